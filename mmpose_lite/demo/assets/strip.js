// The row of photographs, one of which is shown.

/** Draw the row when the store changes; `choose(photograph)` is called for the one that is pressed. */
export function makeStrip(list, store, choose) {
  const items = new Map();
  store.show(() => {
    for (const [photograph, { button }] of items) {
      if (store.photographs.includes(photograph)) continue;
      button.parentNode.remove();
      items.delete(photograph);
    }
    for (const photograph of store.photographs) {
      if (!items.has(photograph)) items.set(photograph, add(list, () => choose(photograph)));
      const { button, caption } = items.get(photograph);
      if (photograph.thumbnail && photograph.thumbnail.parentNode !== button) {
        button.prepend(photograph.thumbnail);
      }
      caption.textContent = photograph.name;
      button.setAttribute('aria-label', `${photograph.name}, ${describe(photograph)}`);
      button.title = `${photograph.name}, ${describe(photograph)}`;
      if (photograph === store.photograph) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
    list.hidden = store.photographs.length < 2;
  });
}

function add(list, press) {
  const button = Object.assign(document.createElement('button'), { type: 'button', onclick: press });
  const caption = document.createElement('span');
  const item = document.createElement('li');
  button.append(caption);
  item.append(button);
  list.append(item);
  return { button, caption };
}

function describe({ state, faces }) {
  if (state === 'done') return `${faces.length} ${faces.length === 1 ? 'face' : 'faces'}`;
  return state === 'failed' ? 'cannot be used' : 'waiting';
}
