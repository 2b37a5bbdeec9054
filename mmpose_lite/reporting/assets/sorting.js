// Order: of the rows of tables, by their headings, and of the faces in the gallery.

/** Compare numbers, or texts where both are none; what is empty comes last either way. */
function compare(first, second, sign) {
  if (first === '' || second === '') return (first === '') - (second === '');
  const numbers = [Number(first), Number(second)];
  if (!numbers.some(Number.isNaN)) return sign * (numbers[0] - numbers[1]);
  return sign * first.localeCompare(second, 'en', { numeric: true });
}

/** Put the children of an element in order of what `value` reads from each. */
function sortChildren(parent, value, sign) {
  const children = [...parent.children];
  children.sort((first, second) => compare(value(first), value(second), sign));
  parent.append(...children);
}

/** Make the headings of a table buttons that sort it. */
function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener('click', () => {
      const up = heading.ariaSort !== 'ascending';
      headings.forEach((each) => each.removeAttribute('aria-sort'));
      heading.ariaSort = up ? 'ascending' : 'descending';
      const value = ({ cells }) => cells[column].dataset.value ?? cells[column].textContent;
      sortChildren(table.tBodies[0], value, up ? 1 : -1);
    });
  });
}
