import type { ClientRequest, IncomingMessage } from 'node:http';
import { WeftError } from '../core/errors/index.ts';
import { ApiError, refusalError } from './apiError.ts';

/** Ends `request` with `body` and waits for the head of the answer. */
export function responseOf(request: ClientRequest, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', resolve);
    request.end(body);
  });
}

class TooLarge extends Error {}

/** The whole body as text; no more than `maxBytes` of it are ever held. */
export async function readBody(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new TooLarge(`an answer of more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The JSON of an answer; throws ApiError NotJson. */
export function parseAnswer(request: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError(`not JSON: ${(cause as Error).message}`, {
      code: 'KUBERNETES_ANSWER_INVALID',
      status: 0,
      reason: 'NotJson',
      request,
      cause,
    });
  }
}

/** The error that an answer other than 2xx means. */
export function refusalOf(request: string, response: IncomingMessage, text: string): ApiError {
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // A load balancer or a proxy answered in words; they are kept.
  }
  const retryAfter = response.headers['retry-after'];
  return refusalError({ request, status: response.statusCode ?? 0, body, retryAfter });
}

export const timeoutError = (request: string, ms: number): ApiError =>
  new ApiError(`no answer within ${ms} ms`, {
    code: 'KUBERNETES_UNREACHABLE',
    status: 0,
    reason: 'Timeout',
    request,
  });

/** Anything that went wrong below HTTP, as an ApiError. */
export function asApiError(request: string, error: unknown): Error {
  if (error instanceof WeftError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const tooLarge = cause instanceof TooLarge || cause instanceof RangeError;
  return new ApiError(cause.message || (cause as NodeJS.ErrnoException).code || 'connection failed', {
    code: tooLarge ? 'KUBERNETES_ANSWER_INVALID' : 'KUBERNETES_UNREACHABLE',
    status: 0,
    reason: tooLarge ? 'TooLarge' : 'Unreachable',
    request,
    cause,
  });
}
