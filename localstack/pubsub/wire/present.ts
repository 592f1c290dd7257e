/** Without the messages that are absent: they were read as no bytes, and would be written as empty messages. */
export function present(messages: Readonly<Record<string, Buffer>>): object {
  return Object.fromEntries(Object.entries(messages).filter(([, { length }]) => length > 0));
}
