// Colours of scores, from the page's own, light or dark.

function channels(name) {
  const value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((start) => parseInt(value.slice(start, start + 2), 16));
}

/** A function from a share of the largest score to a colour: unsure is red, sure is blue. */
export function scoreColours() {
  const stops = ['unsure', 'doubtful', 'likely', 'sure'].map(channels);
  return (share) => {
    const place = (stops.length - 1) * Math.min(1, Math.max(0, share));
    const from = Math.min(stops.length - 2, Math.floor(place));
    const mixed = stops[from].map((level, i) => level + (place - from) * (stops[from + 1][i] - level));
    return `rgb(${mixed.map(Math.round).join(' ')})`;
  };
}
