/** Bodies that come compressed though nobody asked for it: some gateways do that. */
import { promisify } from 'node:util';
import { brotliDecompress, constants, gunzip, inflate } from 'node:zlib';
import { ownValue } from '../../core/own-value.ts';

/** Nobody compresses an answer more often than that. */
const MAX_LAYERS = 5;

const zlibOptions = { finishFlush: constants.Z_SYNC_FLUSH };
const decoders: Record<string, (bytes: Uint8Array, maxOutputLength: number) => Promise<Buffer>> = {
  gzip: (bytes, maxOutputLength) => promisify(gunzip)(bytes, { ...zlibOptions, maxOutputLength }),
  deflate: (bytes, maxOutputLength) => promisify(inflate)(bytes, { ...zlibOptions, maxOutputLength }),
  br: (bytes, maxOutputLength) =>
    promisify(brotliDecompress)(bytes, {
      finishFlush: constants.BROTLI_OPERATION_FLUSH,
      maxOutputLength,
    }),
};
decoders['x-gzip'] = decoders['gzip']!;

/** The decoded body is longer than what is taken. */
export class TooLongError extends Error {
  override readonly name = 'TooLongError';
}

/**
 * The body as its `content-encoding` (`null`: none) says. A body that was cut off gives what is there.
 * Throws {@link TooLongError}, or an error that says what cannot be decoded.
 */
export async function decodedBody(
  bytes: Uint8Array,
  encoding: string | null,
  mostBytes: number,
): Promise<Uint8Array> {
  const layers = (encoding ?? '')
    .split(',')
    .map((layer) => layer.trim().toLowerCase())
    .filter((layer) => layer !== '' && layer !== 'identity');
  if (layers.length > MAX_LAYERS)
    throw new Error(`The answer has ${layers.length} content-encodings, more than ${MAX_LAYERS}.`);
  let body = bytes;
  for (const layer of layers.toReversed()) {
    const decode = ownValue(decoders, layer);
    // As fetch has it: what nobody knows is taken as it is.
    if (!decode) return body;
    body = await decode(body, mostBytes).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_BUFFER_TOO_LARGE') throw new TooLongError('too long', { cause: error });
      throw new Error(`The answer cannot be decoded (${layer}): ${error.message}`, { cause: error });
    });
  }
  return body;
}
