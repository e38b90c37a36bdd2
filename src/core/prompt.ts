/** One prompt as the whole program knows it. */

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** Sampling a prompt may set for itself; what it leaves out comes from the batch's settings. */
export interface SamplingOverrides {
  model?: string;
  temperature?: number;
  top_p?: number;
  max_tokens?: number;
  completions?: number;
}

/**
 * One prompt as normalised from the input file and stored in `prompts/NNNNN.jsonl`: exactly one of
 * `prompt` and `messages`; `fields` are the input's unknown fields, given back in the report.
 */
export interface PromptItem extends SamplingOverrides {
  prompt_id: string;
  prompt?: string;
  messages?: Message[];
  /** Further parameters of the request's body (`stop`, `seed`, `response_format`, …), sent as they are. */
  extra_body?: Record<string, unknown>;
  fields?: Record<string, unknown>;
}
