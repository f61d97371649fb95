import { ApiError } from '../apiError.ts';

/** The ApiError with which a request fails; fails itself where it succeeds or throws something else. */
export async function failure(request: Promise<unknown>): Promise<ApiError> {
  try {
    await request;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('the request succeeded');
}
