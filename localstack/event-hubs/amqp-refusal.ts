/** What the service answers instead of doing what a client asked for: an error of AMQP. */
export class AmqpRefusal extends Error {
  readonly condition: string;

  constructor(condition: string, description: string) {
    super(description);
    this.condition = condition;
  }
}

/** The conditions of AMQP and of the service: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-amqp-troubleshoot */
export const Condition = {
  internalError: "amqp:internal-error",
  notFound: "amqp:not-found",
  notAllowed: "amqp:not-allowed",
  unauthorized: "amqp:unauthorized-access",
  resourceLimit: "amqp:resource-limit-exceeded",
  decodeError: "amqp:decode-error",
  notImplemented: "amqp:not-implemented",
  linkStolen: "amqp:link:stolen",
  detachForced: "amqp:link:detach-forced",
  messageTooLarge: "amqp:link:message-size-exceeded",
  argument: "com.microsoft:argument-error",
  argumentOutOfRange: "com.microsoft:argument-out-of-range",
  serverBusy: "com.microsoft:server-busy",
  timeout: "com.microsoft:timeout",
  entityDisabled: "com.microsoft:entity-disabled",
  invalidOffset: "com.microsoft:georeplication:invalid-offset",
  producerEpochStolen: "com.microsoft:producer-epoch-stolen",
  outOfOrderSequence: "com.microsoft:out-of-order-sequence",
} as const;
