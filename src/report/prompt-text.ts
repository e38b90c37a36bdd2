import type { PromptItem } from '../core/prompt.ts';

/** One text for a prompt of either shape: of `messages` the last one by the user. */
export const promptText = (item: PromptItem): string => {
  if (item.prompt !== undefined) return item.prompt;
  const messages = item.messages ?? [];
  const last = messages.findLast((message) => message.role === 'user') ?? messages.at(-1);
  return last?.content ?? '';
};
