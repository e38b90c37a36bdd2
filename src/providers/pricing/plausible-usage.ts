import type { Usage } from '../../core/receipt.ts';
import type { CompletionRequest } from '../completion-api.ts';

interface AnsweredChoice {
  text: string;
  finishReason: string;
}

/**
 * Whether the count of output tokens can be true of these choices. llama.cpp, asked for several choices, counts
 * the tokens of one. UpdateResult apart from an honest count by what no tokenizer does: a token for less than nothing, one
 * that reaches over a word's end, or fewer than `max_tokens` for a choice that was cut off there.
 */
export function isPlausible(
  { completion }: Usage,
  choices: readonly AnsweredChoice[],
  { maxTokens }: Pick<CompletionRequest, 'maxTokens'>,
): boolean {
  const written = choices.filter(({ text }) => text.trim() !== '');
  if (completion < written.length) return false;
  if (choices.length === 1) return true;
  if (completion < written.reduce((sum, { text }) => sum + countWords(text), 0)) return false;
  // A model's context may have cut them off sooner; all of them then have the same, smaller length.
  const cutOff = written.filter(({ finishReason }) => finishReason === 'length').length;
  return cutOff === 0 || completion < maxTokens || completion >= fewestTokens(cutOff, written, maxTokens);
}

/** Of choices that were cut off at `maxTokens`, and others of at least one token each. */
const fewestTokens = (cutOff: number, written: readonly AnsweredChoice[], maxTokens: number): number =>
  cutOff * maxTokens + (written.length - cutOff);

/** Words of three or more characters: each is a token at least. */
const countWords = (text: string): number => text.match(/\S{3,}/g)?.length ?? 0;
