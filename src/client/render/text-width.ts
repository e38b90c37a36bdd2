/** East Asian wide characters and emoji, which terminals show two columns wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const NO_WIDTH = /[\p{Mark}\p{Default_Ignorable_Code_Point}]/u;

/** Columns that a text without escape sequences takes in a terminal. Never too few for what terminals agree on. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (character <= '~') width += 1;
    // After a plain symbol this asks for its emoji form, which only some terminals draw wider.
    else if (character === '\ufe0f') width += 1;
    else if (NO_WIDTH.test(character)) width += 0;
    else width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** Fills up with spaces to a width in columns. */
export const padToWidth = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - textWidth(text)));

/** Lines of a terminal this wide that a row takes: a wide character that does not fit goes to the next one whole. */
export function linesTaken(text: string, columns: number): number {
  let lines = 1;
  let used = 0;
  for (const character of text) {
    const width = textWidth(character);
    if (used + width > columns && used > 0) {
      lines++;
      used = 0;
    }
    used += width;
  }
  return lines;
}
