import { expect } from 'chai';
import { parseUuid, uuidProblem } from '../../../../src/grpc/requests/reader.ts';

describe('parseUuid', () => {
  const taken: [string, string][] = [
    ['0199a0b0-1234-7000-8000-00000000abcd', 'version 7'],
    ['ffffffff-ffff-ffff-ffff-ffffffffffff', 'all ones'],
    ['00000000-0000-0000-0000-000000000001', 'no version at all'],
  ];
  for (const [text, title] of taken) {
    it(`returns ${title} in lower case, whatever case it is written in`, () => {
      expect(parseUuid(text)).to.equal(text);
      expect(parseUuid(text.toUpperCase())).to.equal(text);
    });
  }

  const refused: [string, string][] = [
    ['', 'nothing'],
    ['00000000-0000-0000-0000-000000000000', 'nil'],
    ['0199a0b0123470008000000000001234', 'no hyphens'],
    ['0199a0b0-1234-7000-8000-00000000123', 'a digit too few'],
    ['0199a0b0-1234-7000-8000-0000000012345', 'a digit too many'],
    ['0199a0b0-1234-7000-80000-0000000123', 'groups of other lengths'],
    ['g199a0b0-1234-7000-8000-000000001234', 'other letters'],
    [' 0199a0b0-1234-7000-8000-000000001234', 'a blank before it'],
    ['0199a0b0-1234-7000-8000-000000001234\n', 'a line break after it'],
    ['{0199a0b0-1234-7000-8000-000000001234}', 'braces'],
    ['urn:uuid:0199a0b0-1234-7000-8000-000000001234', 'a URN'],
  ];
  for (const [text, title] of refused) {
    it(`refuses ${title}`, () => expect(parseUuid(text)).to.equal(undefined));
  }
});

describe('uuidProblem', () => {
  for (const field of ['agent_uuid', 'conversation_uuid', 'agent.agent_uuid', 'webhook.agent_uuid']) {
    it(`says for ${field} how to make a UUID of another id`, () => {
      expect(uuidProblem('call-1', field)).to.match(/^must be a UUID.*RFC 9562, version 5/);
    });
  }

  for (const field of ['webhook_uuid', 'execution_uuid']) {
    it(`says the form alone for ${field}, which callhooks makes`, () => {
      expect(uuidProblem('x', field)).to.equal('must be a UUID of 8-4-4-4-12 hex digits, not all zero');
    });
  }

  it('says that a missing UUID is required', () => {
    expect(uuidProblem('', 'agent_uuid')).to.equal('is required');
  });
});
