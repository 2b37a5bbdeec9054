// The worst faces: their order, those of a subset, and one of them enlarged.

const ORDERS = {
  nme: (face) => face.dataset.nme,
  boxSize: (face) => face.dataset.boxSize,
  turn: ({ dataset: { yaw } }) => (yaw === '' ? '' : String(Math.abs(Number(yaw)))),
  name: (face) => face.dataset.name,
};

const MOST = 24;

function gallery() {
  return [...document.querySelectorAll('.gallery')].find(({ dataset }) => dataset.run === chosen.run);
}

function shownFaces() {
  return [...gallery().children].filter((face) => !face.hidden);
}

/** The worst faces of the chosen subset; `data-place` is the place among all, worst first. */
function worstFaces(list) {
  const everything = document.querySelector('[name="subset"]').options[0].value;
  return [...list.children]
    .filter(({ dataset }) => chosen.subset === everything
      || JSON.parse(dataset.subsets).includes(chosen.subset))
    .sort((first, second) => first.dataset.place - second.dataset.place)
    .slice(0, MOST);
}

/** Show the worst faces of the chosen run and subset in the chosen order. */
function showGallery() {
  const [key, direction] = document.getElementById('order').value.split('-');
  const list = gallery();
  sortChildren(list, ORDERS[key], direction === 'up' ? 1 : -1);
  const worst = worstFaces(list);
  for (const face of list.children) face.hidden = !worst.includes(face);
  document.getElementById('shown').textContent =
    `faces shown: ${worst.length}, the worst of ${chosen.subset}`;
}

/** Let pictures be enlarged, and the arrow keys go through them. */
function openPictures() {
  const dialog = document.querySelector('dialog');
  let current = null;
  const show = (face) => {
    current = face;
    const picture = face.querySelector('img');
    dialog.querySelector('img').src = picture.src;
    dialog.querySelector('img').alt = picture.alt;
    const words = ['strong', '.facts'].map((part) => face.querySelector(part).textContent.trim());
    dialog.querySelector('p').textContent = `${words[0]}: ${face.dataset.name}, ${words[1]}`;
  };
  const step = (by) => {
    const faces = shownFaces().filter((face) => face.querySelector('img'));
    show(faces[(faces.indexOf(current) + by + faces.length) % faces.length]);
  };
  for (const button of document.querySelectorAll('.gallery button')) {
    button.addEventListener('click', () => {
      show(button.closest('li'));
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
