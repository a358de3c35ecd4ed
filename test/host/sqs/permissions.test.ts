/** Who is said to be allowed what. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestEndpoint } from './client.ts';

let sqs: TestEndpoint;
beforeAll(() => {
  sqs = new TestEndpoint();
  return sqs.listen();
});
afterAll(() => sqs.close());

describe('permissions', () => {
  test('are statements of the policy', async () => {
    const QueueUrl = await sqs.queue('shared');
    const AWSAccountIds = ['668614515564', '111111111111'];
    await sqs.json('AddPermission', { AWSAccountIds, Actions: ['ReceiveMessage'], Label: 'one', QueueUrl });
    const arn = 'arn:aws:sqs:us-east-1:000000000000:shared';
    const { Policy = '' } = (await sqs.attributes(QueueUrl, 'Policy')) ?? {};
    expect(JSON.parse(Policy)).toEqual({
      Id: `${arn}/SQSDefaultPolicy`,
      Statement: [
        {
          Action: 'SQS:ReceiveMessage',
          Effect: 'Allow',
          Principal: { AWS: ['arn:aws:iam::668614515564:root', 'arn:aws:iam::111111111111:root'] },
          Resource: arn,
          Sid: 'one',
        },
      ],
      Version: '2008-10-17',
    });
    await sqs.json('RemovePermission', { Label: 'one', QueueUrl });
    expect(await sqs.attributes(QueueUrl, 'Policy')).toBeUndefined();
  });

  const eight = ['ChangeMessageVisibility', 'DeleteMessage', 'GetQueueAttributes', 'GetQueueUrl', '*', 'PurgeQueue'];
  test.each([
    [
      { Label: 'there' },
      'InvalidParameterValue',
      'Value there for parameter Label is invalid. Reason: Already exists.',
    ],
    [
      { Actions: ['RemovePermission'] },
      'InvalidParameterValue',
      'Value SQS:RemovePermission for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.',
    ],
    [
      { Actions: ['Nonsense'] },
      'InvalidParameterValue',
      'Value SQS:Nonsense for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions. ',
    ],
    [{ Actions: [] }, 'MissingParameter', 'The request must contain the parameter Actions.'],
    [
      { AWSAccountIds: [] },
      'InvalidParameterValue',
      'Value [] for parameter PrincipalId is invalid. Reason: Unable to verify.',
    ],
    [
      { Actions: [...eight, 'ReceiveMessage', 'SendMessage'] },
      'OverLimit',
      '8 Actions were found, maximum allowed is 7.',
    ],
  ])('are refused where they are %j', async (input, code, message) => {
    const QueueUrl = await sqs.queue('refusing');
    const given = { AWSAccountIds: ['111111111111'], Actions: ['ReceiveMessage'], QueueUrl };
    await sqs.json('AddPermission', { ...given, Label: 'there' });
    expect(await sqs.refusal('AddPermission', { ...given, Label: 'new', ...input })).toEqual([code, message]);
    const unknown = "Value nobody for parameter Label is invalid. Reason: can't find label.";
    expect(await sqs.refusal('RemovePermission', { Label: 'nobody', QueueUrl })).toEqual([
      'InvalidParameterValue',
      unknown,
    ]);
  });
});
