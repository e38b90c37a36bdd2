/** Reads a results file piece by piece: no more of it is in memory than one result. */
import type { FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import Assembler from 'stream-json/assembler.js';
import { jsonParser, type Token } from 'stream-json/parser.js';
import { openRegular } from '../system/files/regular-file.ts';

/** The report is not readable as one; the message says where and why. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
}

export interface ReportPart {
  /** Name of a top-level field. */
  field: string;
  /** Its value; of the long lists, `results` and `possibly_paid`, one entry at a time. */
  value: unknown;
}

const LISTS: ReadonlySet<string> = new Set(['results', 'possibly_paid']);

/**
 * Path of a report that a manifest names: in the batch's output folder, wherever that is now. A manifest from elsewhere can
 * name no file of another folder.
 */
export const reportIn = (outputDir: string, file: string): string =>
  join(outputDir, basename(file.replaceAll('\\', '/')));

/** Throws {@link ReportError}, also where the file is a link, a FIFO or a device. */
export async function* readReport(file: string): AsyncGenerator<ReportPart> {
  const document = new ReportDocument();
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(file);
    const parse = jsonParser({ streamValues: false });
    for await (const text of handle.createReadStream({ encoding: 'utf8' }) as AsyncIterable<string>) {
      const parsed = parse(text);
      if (typeof parsed === 'symbol') continue;
      for (const token of parsed.values) {
        const part = document.take(token);
        if (part) yield part;
      }
    }
  } catch (error) {
    throw new ReportError(
      `the report ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  } finally {
    await handle?.close();
  }
  if (!document.isComplete) throw new ReportError(`the report ${file} ends in its middle`);
}

/** Follows the tokens of a results file. */
class ReportDocument {
  #place: 'start' | 'fields' | 'list' | 'end' = 'start';
  #field = '';
  #value: ValueBuilder | null = null;

  get isComplete(): boolean {
    return this.#place === 'end';
  }

  /** The part that ends with this token, if one does. */
  take(token: Token): ReportPart | null {
    if (!this.#value) {
      if (this.#step(token)) return null;
      this.#value = new ValueBuilder();
    }
    if (!this.#value.add(token)) return null;
    const { value } = this.#value;
    this.#value = null;
    return { field: this.#field, value };
  }

  /** Moves on by a token of the outer structure; `false` where a value begins instead. */
  #step({ name, ...token }: Token): boolean {
    switch (this.#place) {
      case 'start':
        if (name !== 'startObject') throw new Error('it is not a JSON object');
        this.#place = 'fields';
        return true;
      case 'fields':
        if (name === 'endObject') this.#place = 'end';
        else if (name === 'keyValue') this.#field = 'value' in token ? String(token.value) : '';
        else if (name === 'startArray' && LISTS.has(this.#field)) this.#place = 'list';
        else return false;
        return true;
      case 'list':
        if (name !== 'endArray') return false;
        this.#place = 'fields';
        return true;
      default:
        throw new Error('something follows its end');
    }
  }
}

/** Builds one value out of tokens. */
class ValueBuilder {
  readonly #assembler = new Assembler();
  #depth = 0;

  get value(): unknown {
    return this.#assembler.current;
  }

  /** True with the value's last token. */
  add(token: Token): boolean {
    if (token.name === 'startObject' || token.name === 'startArray') this.#depth++;
    this.#assembler.consume(token);
    if (token.name === 'endObject' || token.name === 'endArray') this.#depth--;
    return this.#depth === 0;
  }
}
