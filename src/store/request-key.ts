import { createHash } from 'node:crypto';
import type { PromptItem, RequestSettings } from '../contract.ts';
import { canonicalJson } from './canonical-json.ts';

/** Two prompts of one key ask the same thing of the same model in the same way: their answers can stand for each other. */
export function requestKey(item: PromptItem, settings: RequestSettings): string {
  const request = {
    provider: settings.provider,
    baseUrl: settings.baseUrl,
    model: item.model ?? settings.model,
    messages: item.messages ?? [{ role: 'user', content: item.prompt }],
    temperature: item.temperature ?? settings.temperature,
    topP: item.top_p ?? settings.topP,
    maxTokens: item.max_tokens ?? settings.maxTokens,
    thinking: settings.thinking,
    extraBody: item.extra_body,
  };
  return createHash('sha256').update(canonicalJson(request)).digest('base64url');
}
