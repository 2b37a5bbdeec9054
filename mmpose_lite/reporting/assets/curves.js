// The cumulative error distribution, which follows both switches.

// The curve ends where so many faces are below; what is beyond are a few failures.
const SHOWN = 0.95;

function drawCurves() {
  const traces = DRAWN.runs.flatMap((run, index) => {
    const curve = run.curves[chosen.normaliser]?.[chosen.subset];
    return curve ? [curveOf(run, index, curve)] : [];
  });
  const ends = traces.map(({ x, y }) => x[y.findIndex((share) => share >= SHOWN)] ?? x.at(-1));
  const end = Math.max(...ends);
  const { title, limits } = DRAWN.normalisers[chosen.normaliser];
  const marked = limits.filter((x) => x <= end);
  draw('curves', traces, {
    hovermode: 'x unified',
    xaxis: axis(`Mean error of a face,<br>normalised by ${plain(title)}`, {
       tickformat: '~%', hoverformat: '.2%', range: [0, 1.02 * end],
      showspikes: true, spikethickness: 1, spikecolor: colours().muted, spikedash: 'solid', spikemode: 'across',
    }),
    yaxis: axis('Share of faces', { tickformat: '.0%', range: [0, 1.02] }),
    annotations: marked.map((x) => ({
      x, y: 0, yref: 'paper', text: `${Math.round(100 * x)} %`, showarrow: false, textangle: -90,
      xanchor: 'right', yanchor: 'bottom', font: { size: 11, color: colours().muted },
    })),
    shapes: marked.map((x) => ({
      type: 'line', x0: x, x1: x, y0: 0, y1: 1, yref: 'paper', layer: 'below', opacity: 0.6,
      line: { color: colours().muted, width: 1, dash: 'dot' },
    })),
  });
}

function curveOf(run, index, curve) {
  return {
    type: 'scatter',
    mode: 'lines',
    name: plain(run.name),
    x: curve.error,
    y: curve.share,
    line: { color: colours().run(index), width: 2.25, dash: dash(index) },
    hovertemplate: DRAWN.runs.length > 1
      ? `%{y:.1%} of faces: ${plain(run.name)}<extra></extra>`
      : '%{y:.1%} of faces<extra></extra>',
  };
}
