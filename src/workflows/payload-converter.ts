import { defaultPayloadConverter, type Payload, type PayloadConverter } from '@temporalio/common';

/**
 * The SDK's converter, except that a payload it cannot decode is `undefined`. Anybody who reaches the Temporal server can
 * send a signal in an unknown encoding: an error here would fail every workflow task after it. The handlers of signals and
 * updates drop what does not have the shape they expect.
 */
export const payloadConverter: PayloadConverter = {
  toPayload: (value) => defaultPayloadConverter.toPayload(value),
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the SDK's interface has it
  fromPayload<T>(payload: Payload): T {
    try {
      return defaultPayloadConverter.fromPayload<T>(payload);
    } catch {
      return undefined as T;
    }
  },
};
