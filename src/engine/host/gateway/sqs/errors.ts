/**
 * What the service refuses with: each refusal by its name in the JSON protocol, with its code in the query protocol and
 * its HTTP status. Codes, statuses and wording are those of Amazon SQS, because clients decide by them.
 */

interface Kind {
  /** In the query protocol, and in the header `x-amzn-query-error` of the JSON one. */
  readonly code: string;
  readonly status: number;
  readonly namespace: 'com.amazonaws.sqs' | 'com.amazon.coral.service';
}

export const ERRORS = {
  BatchEntryIdsNotDistinct: sqs('AWS.SimpleQueueService.BatchEntryIdsNotDistinct'),
  BatchRequestTooLong: sqs('AWS.SimpleQueueService.BatchRequestTooLong'),
  EmptyBatchRequest: sqs('AWS.SimpleQueueService.EmptyBatchRequest'),
  InvalidAddress: sqs('InvalidAddress', 404),
  InvalidAttributeName: sqs('InvalidAttributeName'),
  InvalidAttributeValue: sqs('InvalidAttributeValue'),
  InvalidBatchEntryId: sqs('AWS.SimpleQueueService.InvalidBatchEntryId'),
  InvalidMessageContents: sqs('InvalidMessageContents'),
  MessageNotInflight: sqs('AWS.SimpleQueueService.MessageNotInflight'),
  OverLimit: sqs('OverLimit', 403),
  PurgeQueueInProgress: sqs('AWS.SimpleQueueService.PurgeQueueInProgress', 403),
  QueueDeletedRecently: sqs('AWS.SimpleQueueService.QueueDeletedRecently'),
  QueueDoesNotExist: sqs('AWS.SimpleQueueService.NonExistentQueue'),
  QueueNameExists: sqs('QueueAlreadyExists'),
  ReceiptHandleIsInvalid: sqs('ReceiptHandleIsInvalid', 404),
  ResourceNotFoundException: sqs('ResourceNotFoundException', 404),
  TooManyEntriesInBatchRequest: sqs('AWS.SimpleQueueService.TooManyEntriesInBatchRequest'),
  UnsupportedOperation: sqs('AWS.SimpleQueueService.UnsupportedOperation'),

  AccessDeniedException: coral('AccessDenied', 403),
  IncompleteSignatureException: coral('IncompleteSignature', 400),
  InternalFailure: coral('InternalFailure', 500),
  InvalidParameterValueException: coral('InvalidParameterValue', 400),
  InvalidSignatureException: coral('SignatureDoesNotMatch', 403),
  MissingActionException: coral('MissingAction', 400),
  MissingAuthenticationTokenException: coral('MissingAuthenticationToken', 403),
  MissingRequiredParameterException: coral('MissingParameter', 400),
  RequestEntityTooLarge: coral('RequestEntityTooLarge', 413),
  SerializationException: coral('SerializationException', 400),
  ServiceUnavailable: coral('ServiceUnavailable', 503),
  UnknownOperationException: coral('InvalidAction', 400),
  UnrecognizedClientException: coral('InvalidClientTokenId', 403),
} as const satisfies Readonly<Record<string, Kind>>;

export type SqsErrorName = keyof typeof ERRORS;

function sqs(code: string, status = 400): Kind {
  return { code, namespace: 'com.amazonaws.sqs', status };
}

function coral(code: string, status: number): Kind {
  return { code, namespace: 'com.amazon.coral.service', status };
}

export class SqsError extends Error {
  override readonly name: SqsErrorName;

  constructor(name: SqsErrorName, message: string) {
    super(message);
    this.name = name;
  }

  get status(): number {
    return ERRORS[this.name].status;
  }

  /** In the query protocol. */
  get code(): string {
    return ERRORS[this.name].code;
  }

  /** In the JSON protocol. */
  get type(): string {
    return `${ERRORS[this.name].namespace}#${this.name}`;
  }

  /** Whose fault it is: the service's own words. */
  get fault(): 'Sender' | 'Receiver' {
    return this.status < 500 ? 'Sender' : 'Receiver';
  }
}

export function invalidValue(message: string): SqsError {
  return new SqsError('InvalidParameterValueException', message);
}

export function missing(parameter: string): SqsError {
  return new SqsError('MissingRequiredParameterException', `The request must contain the parameter ${parameter}.`);
}

/** The query protocol says it in other words. */
export function noSuchQueue(): SqsError {
  return new SqsError('QueueDoesNotExist', 'The specified queue does not exist.');
}
