import type { EmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";

/** A call whose signature is of the right form only: where no secrets are known, it is not compared. */
export async function unsignedCall({ endpoint, region }: EmulatedKinesis, operation: string, input: object): Promise<Response> {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `any/${date.slice(0, 8)}/${region}/kinesis/aws4_request`;
  const headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=00`,
    "x-amz-date": date,
    "x-amz-target": `Kinesis_20131202.${operation}`,
    "content-type": "application/x-amz-json-1.1",
  };
  return fetch(endpoint, { method: "POST", body: JSON.stringify(input), headers });
}
