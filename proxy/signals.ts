export interface SignalHandlers {
  first: (signal: string) => Promise<void>;
  /** The same signal, or another, came again: somebody does not want to wait. */
  second: () => void;
}

/** SIGTERM from kubelet, SIGINT from a terminal. */
export function onSignals({ first, second }: SignalHandlers): void {
  let received = false;
  const onSignal = (signal: string) => {
    if (received) return second();
    received = true;
    void first(signal);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
