// Drawing and drawing anew.

const SETTINGS = {
  displaylogo: false,
  displayModeBar: 'hover',
  modeBarButtons: [['toImage']],
  responsive: true,
};
// Paper has no width of its own while a page is on a screen.
const PRINTED_WIDTH = 640;

/** The data of the page, `{runs, normalisers}`, see schema.py. */
const DRAWN = JSON.parse(document.getElementById('drawn').textContent);

/** What the switches say; main.js keeps it. */
const chosen = { subset: null, normaliser: null, run: null };

/** Draw a figure where the page has a place for it. */
function draw(kind, traces, extra) {
  const place = document.querySelector(`[data-plot="${kind}"]`);
  if (!place) return;
  const printing = document.documentElement.classList.contains('printing');
  const width = printing ? Math.min(place.clientWidth, PRINTED_WIDTH) : undefined;
  Plotly.react(place, traces, layout({ width, ...extra }), SETTINGS);
}

/** Bars of the intervals, which need not lie even about their values. */
function errorBars(parts, key, colour) {
  const limit = (part, index) => (part.interval ? part.interval[index] : null) ?? part[key];
  return {
    type: 'data',
    symmetric: false,
    array: parts.map((part) => limit(part, 1) - part[key]),
    arrayminus: parts.map((part) => part[key] - limit(part, 0)),
    color: colour,
    thickness: 1.25,
    width: 3,
  };
}

/** An interval as tooltips have it. */
function inWords(interval) {
  if (!interval) return 'too few faces for an interval';
  const [low, high] = interval.map((limit) => `${(100 * limit).toFixed(2)}%`);
  return `95 %: ${low} to ${high}`;
}

/** Figures of several runs say in the tooltip whose a value is. */
function whose(run) {
  return DRAWN.runs.length > 1 ? `<extra>${plain(run.name)}</extra>` : '<extra></extra>';
}

/** The runs that have a part, with their places among all runs, which give their colours. */
function having(part) {
  return DRAWN.runs.map((run, index) => [run, index]).filter(([run]) => run[part]);
}
