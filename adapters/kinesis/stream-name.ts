/** https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html */
const NAME = /^[a-zA-Z0-9_.-]{1,128}$/;
const ARN = /^arn:aws[^:]*:kinesis:[^:]+:\d{12}:stream\/([a-zA-Z0-9_.-]{1,128})$/;

/** @returns why the name cannot be that of a stream, or `null` if it can */
export function refuseTopicName(name: string): string | null {
  if (NAME.test(name) || ARN.test(name)) return null;
  return `a stream's name has 1 to 128 of the characters a-z, A-Z, 0-9, ".", "_" and "-", or is an ARN (arn:aws:kinesis:…:stream/…); received ${JSON.stringify(name.slice(0, 80))}`;
}

/** Another account's stream has an ARN as its native name. */
export function isArn(topic: string): boolean {
  return topic.startsWith("arn:");
}

/** The stream's name within its account and region. */
export function streamNameOf(topic: string): string {
  return ARN.exec(topic)?.[1] ?? topic;
}

/** How requests name the stream. */
export function streamOf(topic: string): { readonly StreamName: string } | { readonly StreamARN: string } {
  return isArn(topic) ? { StreamARN: topic } : { StreamName: topic };
}
