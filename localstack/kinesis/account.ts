/** Whose streams these are, and where: parts of every ARN. */
export interface Account {
  readonly accountId: string;
  readonly region: string;
}

export function streamArn({ accountId, region }: Account, name: string): string {
  return `arn:aws:kinesis:${region}:${accountId}:stream/${name}`;
}
