// The switches, and when figures are drawn.

/** Read the switches, and show what they say: of each part that depends on them, one. */
function choose() {
  const { subset, normaliser, run } = document.querySelector('.controls').elements;
  chosen.subset = subset.value;
  chosen.normaliser = normaliser.value;
  chosen.run = run ? run.value : DRAWN.runs[0].name;
  for (const part of document.querySelectorAll('[data-subset], [data-run]')) {
    const { dataset } = part;
    part.hidden = Object.keys(chosen).some((key) => key in dataset && dataset[key] !== chosen[key]);
  }
  for (const row of document.querySelectorAll('[data-mark-subset]')) {
    if (row.dataset.markSubset === chosen.subset) row.ariaCurrent = 'true';
    else row.removeAttribute('aria-current');
  }
  for (const chip of document.querySelectorAll('[data-choose]')) {
    chip.ariaPressed = String(chip.dataset.choose === chosen.subset);
  }
  showGallery();
  drawCurves();
  drawPoints();
}

/** Draw what no switch changes. */
function drawStill() {
  drawBins('yaw', 'Yaw, degrees');
  drawBins('box_size', 'Longer side of the box, pixels');
  drawBoxErrors('shift', 'Shifted by', { shift: 1 });
  drawBoxErrors('scale', 'Smaller or larger by', { smaller: -1, larger: 1 });
  drawReliability();
}

function drawAll() {
  drawCurves();
  drawPoints();
  drawStill();
}

/** Paper has the light colours and its own width, while it is printed on. */
function turnToPaper(printing) {
  document.documentElement.classList.toggle('printing', printing);
  drawAll();
}

document.querySelectorAll('[data-sortable]').forEach(makeSortable);
openPictures();
document.querySelector('.controls').addEventListener('change', choose);
for (const chip of document.querySelectorAll('[data-choose]')) {
  chip.addEventListener('click', () => {
    document.querySelector('[name="subset"]').value = chip.dataset.choose;
    choose();
  });
}
document.getElementById('order').addEventListener('change', showGallery);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
addEventListener('beforeprint', () => turnToPaper(true));
addEventListener('afterprint', () => turnToPaper(false));
choose();
drawStill();
