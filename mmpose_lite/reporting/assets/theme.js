// Colours of the page for figures, and what all figures have alike.

const RUN_COLOURS = 6;

/** Colours as the page has them now, light or dark. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: colour('text'),
    muted: colour('muted'),
    line: colour('line'),
    surface: colour('surface'),
    ground: colour('ground'),
    scale: [[0, colour('low')], [0.5, colour('middle')], [1, colour('high')]],
    run: (index) => colour(`run-${index % RUN_COLOURS}`),
  };
}

/** Colours come again beyond the sixth run; the dashes do not. */
function dash(index) {
  return ['solid', 'dash', 'dot', 'dashdot'][Math.floor(index / RUN_COLOURS) % 4];
}

/** An axis; `extra` are Plotly's own settings. */
function axis(title, extra = {}) {
  const colour = colours();
  return {
    title: { text: title, standoff: 10, font: { size: 13, color: colour.muted } },
    tickfont: { color: colour.muted },
    gridcolor: colour.line,
    linecolor: colour.line,
    zeroline: false,
    automargin: true,
    fixedrange: true,
    ...extra,
  };
}

/** A layout; `extra` are Plotly's own settings. */
function layout(extra) {
  const colour = colours();
  return {
    paper_bgcolor: colour.ground,
    plot_bgcolor: colour.ground,
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour.text },
    hoverlabel: {
      bgcolor: colour.surface, bordercolor: colour.line, font: { color: colour.text }, align: 'left',
    },
    margin: { l: 48, r: 12, t: 12, b: 44 },
    showlegend: false,
    // Dragging a figure would keep a finger from scrolling the page.
    dragmode: false,
    ...extra,
  };
}

/** Plotly reads some HTML in labels; names are only text. */
function plain(text) {
  return String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
