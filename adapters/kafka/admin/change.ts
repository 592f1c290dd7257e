import { KafkaLostConnectionError, KafkaProtocolError } from "../client/kafka-client.ts";
import { classOf, classify, kafkaError } from "../errors.ts";

/**
 * One request that changes something. Where nobody knows whether it was carried out the error says so, and that it may be repeated.
 * @throws `outcome-unknown` · what the request throws
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
