const ALLOWED = /^[a-zA-Z0-9._-]{1,249}$/;

/** @returns why a topic cannot have this name, or `null` if it can */
export function refuseTopicName(name: string): string | null {
  if (ALLOWED.test(name) && name !== "." && name !== "..") return null;
  return `a topic's name has 1 to 249 of the characters a-z, A-Z, 0-9, ".", "_" and "-", and is not "." or ".."; received ${JSON.stringify(name.slice(0, 80))}`;
}
