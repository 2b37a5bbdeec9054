// Figures by point, by yaw, by size, by disturbed boxes, and by confidence.

/** The points of the chosen run on the mean face. */
function drawPoints() {
  const run = DRAWN.runs.find(({ name }) => name === chosen.run);
  const all = DRAWN.runs.flatMap((each) => each.by_point.map(({ nme }) => nme)).filter(Number.isFinite);
  const place = document.querySelector('[data-plot="points"]');
  const narrow = place.clientWidth < 480;
  const marks = pointMarks(run, Math.min(...all), Math.max(...all), narrow);
  draw('points', [linkLines(run), marks], {
    hovermode: 'closest',
    margin: { l: 8, r: 8, t: 8, b: 8 },
    xaxis: { visible: false, fixedrange: true, range: [-0.12, 1.12] },
    yaxis: { visible: false, fixedrange: true, range: [1.12, -0.12], scaleanchor: 'x' },
  });
}

function pointMarks(run, low, high, narrow) {
  const parts = run.by_point;
  const colour = colours();
  const span = high - low || 1;
  return {
    type: 'scatter',
    mode: parts.length <= (narrow ? 12 : 30) ? 'markers+text' : 'markers',
    // A point that no face has is nowhere.
    x: parts.map(({ position }) => position && position[0]),
    y: parts.map(({ position }) => position && position[1]),
    text: parts.map(({ nme }) => (nme === null ? '–' : (100 * nme).toFixed(2))),
    textposition: 'bottom center',
    textfont: { size: 11, color: colour.muted },
    customdata: parts.map(({ name, nme, p90, points }) => [plain(name), nme, p90, points]),
    hovertemplate: '%{customdata[0]}<br>mean %{customdata[1]:.2%}, 90th percentile '
      + '%{customdata[2]:.2%}<br>%{customdata[3]:,} faces<extra></extra>',
    marker: {
      size: parts.map(({ nme }) => 9 + 13 * ((nme ?? low) - low) / span),
      color: parts.map(({ nme }) => nme),
      cmin: low,
      cmax: high,
      colorscale: colour.scale,
      opacity: 1,
      line: { color: colour.surface, width: 1 },
      colorbar: {
        tickformat: '.1%', thickness: 8, outlinewidth: 0, nticks: 5, len: narrow ? 0.9 : 0.7,
        orientation: narrow ? 'h' : 'v', tickfont: { color: colour.muted },
        ...(narrow ? { y: -0.05, yanchor: 'top' } : {}),
      },
    },
  };
}

function linkLines(run) {
  const ends = run.links.flatMap(([from, to]) => [run.by_point[from], run.by_point[to], null]);
  return {
    type: 'scatter',
    mode: 'lines',
    x: ends.map((point) => point && point.position && point.position[0]),
    y: ends.map((point) => point && point.position && point.position[1]),
    line: { color: colours().line, width: 1.5 },
    hoverinfo: 'skip',
  };
}

/** Errors in bins of faces, one bar for each run in each bin. */
function drawBins(part, title) {
  const runs = having(part);
  const traces = runs.map(([run, index]) => {
    const bins = run[part].bins.filter(({ nme }) => nme !== null);
    return {
      type: 'bar',
      x: bins.map((bin) => binName(bin)),
      y: bins.map(({ nme }) => nme),
      error_y: errorBars(bins, 'nme', colours().text),
      customdata: bins.map(({ faces, interval }) => [faces, inWords(interval)]),
      text: bins.map(({ faces }) => faces.toLocaleString('en')),
      textposition: 'inside',
      insidetextanchor: 'start',
      textangle: 0,
      textfont: { size: 11 },
      marker: { color: colours().run(index), cornerradius: 3 },
      hovertemplate: `%{x}: %{y:.2%}<br>%{customdata[1]}<br>%{customdata[0]:,} faces${whose(run)}`,
    };
  });
  draw(part, traces, {
    bargap: 0.35,
    xaxis: axis(title, { type: 'category', showgrid: false }),
    yaxis: axis('Mean error', { tickformat: '.1%', rangemode: 'tozero' }),
  });
}

function binName({ low, high }) {
  const number = (value) => `${Math.round(value)}`.replace('-', '\u2212');
  if (low === null) return `under ${number(high)}`;
  if (high === null) return `from ${number(low)}`;
  return `${number(low)} to ${number(high)}`;
}

/** Errors against what was done to the boxes; `signs` gives kinds their side of the axis. */
function drawBoxErrors(kind, title, signs) {
  const runs = having('box_errors');
  const traces = runs.map(([run, index]) => {
    const { faces, undisturbed, rows } = run.box_errors;
    const still = { amount: 0, nme: undisturbed, interval: null };
    const points = rows.filter((row) => row.kind in signs)
      .map((row) => ({ ...row, amount: signs[row.kind] * row.amount }));
    return withIntervals([still, ...points].sort((a, b) => a.amount - b.amount), 'amount', 'nme', {
      index,
      tooltip: `%{x:.0%}: %{y:.2%}<br>${faces.toLocaleString('en')} faces${whose(run)}`,
    });
  });
  draw(kind, traces, {
    hovermode: 'closest',
    xaxis: axis(title, { tickformat: '.0%' }),
    yaxis: axis('Mean error', { tickformat: '.1%', rangemode: 'tozero' }),
  });
}

function drawReliability() {
  const runs = having('reliability');
  const traces = runs.map(([run, index]) => withIntervals(
    run.reliability.bins.filter(({ error }) => error !== null), 'confidence', 'error', {
      index,
      tooltip: 'confidence %{x:.2f}: %{y:.2%}<br>%{customdata[0]}'
        + `<br>%{customdata[1]:,} points${whose(run)}`,
    },
  ));
  draw('reliability', traces, {
    hovermode: 'closest',
    xaxis: axis('Confidence'),
    yaxis: axis('Mean error', { tickformat: '.1%', rangemode: 'tozero' }),
  });
}

/** A line with points and their intervals. */
function withIntervals(parts, x, y, { index, tooltip }) {
  const colour = colours().run(index);
  return {
    type: 'scatter',
    mode: 'lines+markers',
    x: parts.map((part) => part[x]),
    y: parts.map((part) => part[y]),
    error_y: errorBars(parts, y, colour),
    customdata: parts.map(({ interval, points }) => [inWords(interval), points]),
    line: { color: colour, width: 2, dash: dash(index) },
    marker: { color: colour, size: 7 },
    hovertemplate: tooltip,
  };
}
