/**
 * A Markdown table. Columns in which no row has anything are left out.
 *
 * @param {string[]} head
 * @param {(string | undefined)[][]} rows
 * @returns {string}
 */
export function table(head, rows) {
  const used = head.map((_title, column) => rows.some((row) => row[column]));
  const line = (cells) => `| ${cells.filter((_cell, column) => used[column]).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map((row) => line(row.map(cell)))].join('\n');
}

/**
 * Text as code.
 *
 * @param {unknown} text
 * @returns {string} nothing when there is no text
 */
export function code(text) {
  return text === undefined || text === null || text === '' ? '' : `\`${text}\``;
}

function cell(text) {
  return String(text ?? '')
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|');
}
