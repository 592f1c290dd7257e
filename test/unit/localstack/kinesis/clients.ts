import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import type { EmulatedKinesis } from "../../../../localstack/kinesis/emulated-kinesis.ts";

type Settings = ConstructorParameters<typeof KinesisClient>[0] & object;

export interface Clients extends Disposable {
  readonly kinesis: KinesisClient;
  readonly dynamo: DynamoDBClient;
}

/** The clients of the SDK as an application makes them, except that errors are not retried. */
export function clientsOf({ endpoint, region }: Pick<EmulatedKinesis, "endpoint" | "region">, settings: Settings = {}): Clients {
  const credentials = { accessKeyId: "any", secretAccessKey: "any" };
  const common = { endpoint, region, credentials, maxAttempts: 1, ...settings };
  const dynamo = new DynamoDBClient(common);
  // The handler of DynamoDB is the one for HTTP/1.1; that of Kinesis is for HTTP/2 unless it is given another one.
  const kinesis = new KinesisClient({ requestHandler: dynamo.config.requestHandler, ...common });
  const destroy = (): void => {
    kinesis.destroy();
    dynamo.destroy();
  };
  return { kinesis, dynamo, [Symbol.dispose]: destroy };
}
