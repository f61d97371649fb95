/** metav1.MicroTime: RFC 3339 with six digits. Three are refused by no server, but a Go client prints six. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace(/Z$/, '000Z');
