import { KafkaLostConnectionError, KafkaProtocolError } from "../client/kafka-client.ts";
import { classOf, classify, kafkaError } from "../errors.ts";

/**
 * Sends one request that changes something.
 * @throws a retryable `outcome-unknown` if the change may have been carried out · any other error of the request
 */
export async function change<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    const isUnknown =
      error instanceof KafkaLostConnectionError || (error instanceof KafkaProtocolError && classOf(error.errorCode) === "unknown");
    if (!isUnknown) throw error;
    throw kafkaError("outcome-unknown", `it is not known whether the change was carried out: ${classify(error).message}`, {
      retryable: true,
      cause: error,
    });
  }
}
