/** As many as the client has connections for; more would only wait. */
const AT_ONCE = 32;

/** Calls `work` for each item, a bounded number at a time. Rejects with the first failure, once nothing runs any more. */
export async function each<T>(items: readonly T[], work: (item: T) => unknown): Promise<void> {
  let next = 0;
  let failure: { error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      try {
        await work(items[next++]!);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, lane));
  if (failure !== undefined) throw failure.error;
}
