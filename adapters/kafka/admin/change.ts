import { type ChangeErrors, change as changeOnce } from "../../../src/adapter-kit/index.ts";
import { KafkaLostConnectionError, KafkaProtocolError } from "../client/kafka-client.ts";
import { KAFKA_ERRORS, classOf, classify } from "../errors.ts";

const ERRORS: ChangeErrors = {
  errors: KAFKA_ERRORS,
  classify,
  mayBeDone: (error) =>
    error instanceof KafkaLostConnectionError || (error instanceof KafkaProtocolError && classOf(error.errorCode) === "unknown"),
};

/**
 * Sends one request that changes something.
 * @throws a retryable `outcome-unknown` if the change may have been carried out · any other error of the request
 */
export function change<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  return changeOnce(ERRORS, request);
}
