const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x7b, 0x5b]);
const CLOSING = new Set([0x7d, 0x5d]);

/** Finds where an item, an object or a string, ends in a text that comes in pieces. Looks at brackets and quotes only. */
export class ItemEnd {
  #depth = 0;
  #isInText = false;
  #isEscaped = false;

  /** The index after the item's last character; `undefined`: it goes on in the next piece. */
  find(piece: string, from: number): number | undefined {
    for (let at = from; at < piece.length;) {
      if (this.#isInText) {
        at = this.#endOfText(piece, at);
        if (this.#isInText) return undefined;
        if (this.#depth === 0) return at;
        continue;
      }
      const code = piece.charCodeAt(at);
      at += 1;
      if (code === QUOTE) this.#isInText = true;
      else if (OPENING.has(code)) this.#depth += 1;
      else if (CLOSING.has(code)) {
        this.#depth -= 1;
        if (this.#depth === 0) return at;
      }
    }
    return undefined;
  }

  #endOfText(piece: string, from: number): number {
    let at = from;
    if (this.#isEscaped) {
      this.#isEscaped = false;
      at += 1;
    }
    for (;;) {
      const quote = piece.indexOf('"', at);
      const end = quote < 0 ? piece.length : quote;
      let slashes = 0;
      while (end - slashes > at && piece.charCodeAt(end - slashes - 1) === BACKSLASH) slashes += 1;
      const isEscaped = slashes % 2 === 1;
      if (quote < 0) {
        this.#isEscaped = isEscaped;
        return piece.length;
      }
      at = quote + 1;
      if (!isEscaped) {
        this.#isInText = false;
        return at;
      }
    }
  }
}
