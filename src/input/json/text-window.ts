const KEPT_CHARACTERS = 64;

/** The newest part of a text that passes by, with the line and column of every place in it. */
export class TextWindow {
  #text = '';
  #start = 0;
  #line = 1;
  /** Offset of the first character of the line that `#start` is in. */
  #lineStart = 0;

  /** Offset of the end, in UTF-16 units from the start of the whole text. */
  get end(): number {
    return this.#start + this.#text.length;
  }

  push(piece: string): void {
    const dropped = Math.max(0, this.#text.length - KEPT_CHARACTERS);
    const { line, lineStart } = this.#lineAt(dropped);
    this.#line = line;
    this.#lineStart = lineStart;
    this.#start += dropped;
    this.#text = this.#text.slice(dropped) + piece;
  }

  /** The text from an offset on, if it has not passed. */
  from(offset: number): string {
    return this.#text.slice(Math.max(0, offset - this.#start));
  }

  /** Both from 1; the column in UTF-16 units. */
  locate(offset: number): { line: number; column: number } {
    const { line, lineStart } = this.#lineAt(offset - this.#start);
    return { line, column: offset - lineStart + 1 };
  }

  #lineAt(index: number): { line: number; lineStart: number } {
    let line = this.#line;
    let lineStart = this.#lineStart;
    for (let at = this.#text.indexOf('\n'); at >= 0 && at < index; at = this.#text.indexOf('\n', at + 1)) {
      line += 1;
      lineStart = this.#start + at + 1;
    }
    return { line, lineStart };
  }
}
