import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';

const NOTHING: Payload = defaultPayloadConverter.toPayload(null);

/**
 * Decodes an undecodable payload as `null`. Anyone who reaches the server can start a workflow whose memo has an unknown
 * encoding, and an error would end every list of workflows.
 */
export const lenientCodec: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => payloads.map((payload) => (isDecodable(payload) ? payload : NOTHING)),
};

function isDecodable(payload: Payload): boolean {
  try {
    defaultPayloadConverter.fromPayload(payload);
    return true;
  } catch {
    return false;
  }
}
