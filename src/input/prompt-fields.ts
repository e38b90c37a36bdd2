/** What a prompt consists of, in whatever form it is written: schemas worded as what a field "must be". */
import * as z from 'zod';
import type { Message } from '../core/prompt.ts';
import { filledText, labelText } from './check-fields.ts';

export const FILLED = 'a non-empty string';
const MESSAGES = 'a non-empty list of {"role", "content"} with a user message';
const TEMPERATURE = 'a number from 0 to 2';
const TOP_P = 'a number above 0, up to 1';
const COUNT = 'a whole number, at least 1';

/** Whole numbers are taken as well, since databases and tables export ids so. */
export const promptId = z.preprocess(
  (id) => (Number.isSafeInteger(id) ? String(id) : id),
  labelText('a string of 1 to 256 characters, or a whole number'),
);
export const promptText = filledText(FILLED);
export const modelName = labelText('a string of 1 to 256 characters');
export const temperature = z.number(TEMPERATURE).min(0, TEMPERATURE).max(2, TEMPERATURE);
export const topP = z.number(TOP_P).gt(0, TOP_P).max(1, TOP_P);
export const count = z.int(COUNT).min(1, COUNT);

/** System and assistant messages may be empty; what the user says may not. */
export const messageList = <Input>(message: z.ZodType<Message, Input>) =>
  z
    .array(
      message.refine(({ role, content }) => role !== 'user' || content.trim() !== '', {
        path: ['content'],
        error: `${FILLED} in a user message`,
      }),
      MESSAGES,
    )
    .min(1, MESSAGES)
    .refine((list) => list.some(({ role }) => role === 'user'), MESSAGES);
