/** One request that costs nothing: the provider's list of models. */
import { Agent, request } from 'undici';
import { parseProviderMessage } from '../../providers/provider-message.ts';
import { shorten } from '../../providers/provider-fault.ts';

export interface ProviderAnswer {
  status: number;
  /** Names of the models it lists; `null` where it answers with anything else. */
  models: string[] | null;
  /** What it says where it refuses, without the key; `''` for nothing. */
  message: string;
  /** By its clock, ms since 1970; `null` where it does not tell. */
  date: number | null;
  /** By ours, ms since 1970. */
  sentAt: number;
  answeredAt: number;
}

const CONNECT_TIMEOUT_MS = 5_000;
const MAX_BYTES = 4 * 1024 * 1024;

/** Asks directly, as runs do: no proxy, no redirect. Throws what the network threw. */
export async function askProvider(
  baseUrl: string,
  apiKey: string | null,
  signal: AbortSignal,
): Promise<ProviderAnswer> {
  const dispatcher = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS } });
  const sentAt = Date.now();
  try {
    const { statusCode, headers, body } = await request(`${baseUrl}/models`, {
      dispatcher,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'durabatch',
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
    });
    const answeredAt = Date.now();
    const text = await readBeginning(body);
    const date = Date.parse(String(headers['date'] ?? ''));
    const isGood = statusCode >= 200 && statusCode <= 299;
    return {
      status: statusCode,
      models: isGood ? modelsIn(text) : null,
      message: isGood ? '' : shorten(parseProviderMessage(text, apiKey).message, 200),
      date: Number.isNaN(date) ? null : date,
      sentAt,
      answeredAt,
    };
  } finally {
    await dispatcher.destroy();
  }
}

async function readBeginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAX_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function modelsIn(text: string): string[] | null {
  try {
    const { data } = JSON.parse(text) as { data?: unknown };
    if (!Array.isArray(data)) return null;
    return data
      .map((model: unknown) => (model as { id?: unknown } | null)?.id)
      .filter((id) => typeof id === 'string');
  } catch {
    return null;
  }
}
