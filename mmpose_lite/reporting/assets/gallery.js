// Faces: those of the chosen subset, the order of the worst, and one of them enlarged.

const ORDERS = {
  nme: (face) => face.dataset.nme,
  boxSize: (face) => face.dataset.boxSize,
  turn: ({ dataset: { yaw } }) => (yaw === '' ? '' : String(Math.abs(Number(yaw)))),
  name: (face) => face.dataset.name,
};

/** Show the faces of the chosen run and subset, the worst in the chosen order. */
function showGallery() {
  const lists = [...document.querySelectorAll('.gallery')];
  for (const face of lists.flatMap(({ children }) => [...children])) {
    face.hidden = !JSON.parse(face.dataset.shownFor).includes(chosen.subset);
  }
  const worst = lists.find(({ dataset }) => dataset.part === 'worst' && dataset.run === chosen.run);
  const [key, direction] = document.getElementById('order').value.split('-');
  sortChildren(worst, ORDERS[key], direction === 'up' ? 1 : -1);
  const shown = [...worst.children].filter((face) => !face.hidden);
  document.getElementById('shown').textContent =
    `faces shown: ${shown.length}, the worst of ${chosen.subset}`;
}

/** What the dialog says of a picture. */
function wordsOf(button) {
  const face = button.closest('li');
  const [error, facts] = ['strong', '.facts'].map((part) => face.querySelector(part).textContent.trim());
  const whose = button.dataset.whose ? `${button.dataset.whose}, ` : '';
  return `${whose}${error}: ${face.dataset.name}, ${facts}`;
}

/** Let pictures be enlarged, and the arrow keys go through those of one gallery. */
function openPictures() {
  const dialog = document.querySelector('dialog');
  let current = null;
  const show = (button) => {
    current = button;
    const picture = button.querySelector('img');
    dialog.querySelector('img').src = picture.src;
    dialog.querySelector('img').alt = picture.alt;
    dialog.querySelector('p').textContent = wordsOf(button);
  };
  const step = (by) => {
    const buttons = [...current.closest('.gallery').querySelectorAll('li:not([hidden]) button')];
    show(buttons[(buttons.indexOf(current) + by + buttons.length) % buttons.length]);
  };
  for (const button of document.querySelectorAll('.gallery button')) {
    button.addEventListener('click', () => {
      show(button);
      dialog.showModal();
    });
  }
  for (const button of dialog.querySelectorAll('[data-step]')) {
    button.addEventListener('click', () => step(Number(button.dataset.step)));
  }
  dialog.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowRight') step(1);
    if (key === 'ArrowLeft') step(-1);
  });
}
