import { constant, growing, once, type AlertCase } from './alert-case.ts';

function executions(type: string, outcome: string, code = '', recorded = 'true'): string {
  return `callhooks_executions_total{type="${type}",outcome="${outcome}",code="${code}",recorded="${recorded}"}`;
}
function decided(decision: string): string {
  return `callhooks_call_decisions_total{decision="${decision}"}`;
}
function fetched(outcome: string): string {
  return `callhooks_access_token_fetches_total{outcome="${outcome}"}`;
}
const DAY = 86_400;

/** The alerts about webhooks, the record of executions, and security. */
export const WEBHOOK_CASES: readonly AlertCase[] = [
  {
    alert: 'CallhooksPreCallFailures',
    at: '20m',
    fires: [
      'two thirds of the pre-calls fail',
      {
        [executions('pre_call', 'succeeded')]: growing(5),
        [executions('pre_call', 'failed', 'DNS')]: growing(10),
      },
    ],
    silent: [
      'one of two calls a day fails',
      {
        [executions('pre_call', 'succeeded')]: once(1),
        [executions('pre_call', 'failed', 'DNS')]: '0x15 1x90',
      },
    ],
  },
  {
    alert: 'CallhooksCallsBlocked',
    at: '20m',
    fires: [
      'a tenth of the calls is blocked by policy',
      { [decided('proceed')]: growing(90), [decided('block')]: growing(10) },
    ],
    silent: [
      'endpoints reject a tenth of the calls',
      {
        [decided('proceed')]: growing(90),
        [decided('block')]: once(1),
        [decided('block_rejected')]: growing(10),
      },
    ],
  },
  {
    alert: 'CallhooksDegradedCalls',
    at: '80m',
    fires: [
      'a fifth of the calls goes on degraded',
      { [decided('proceed')]: growing(40), [decided('proceed_degraded')]: growing(10) },
    ],
    silent: [
      'a hundredth of the calls goes on degraded',
      { [decided('proceed')]: growing(99), [decided('proceed_degraded')]: growing(1) },
    ],
  },
  {
    alert: 'CallhooksPostCallFailures',
    at: '80m',
    fires: [
      'half of the post-calls fail',
      {
        [executions('post_call', 'succeeded')]: growing(2),
        [executions('post_call', 'failed', 'HTTP_STATUS')]: growing(2),
      },
    ],
    silent: [
      'three of three post-calls have failed',
      { [executions('post_call', 'failed', 'HTTP_STATUS')]: '0x70 3x90' },
    ],
  },
  {
    alert: 'CallhooksEgressDenied',
    at: '80m',
    fires: [
      'the policy refuses one address a minute',
      { 'callhooks_egress_denied_total{where="dial"}': growing(1) },
    ],
    silent: [
      'the policy has refused 5 addresses',
      { 'callhooks_egress_denied_total{where="dial"}': '0x70 5x90' },
    ],
  },
  {
    alert: 'CallhooksTokenFetchesFail',
    at: '30m',
    fires: [
      'all token fetches fail',
      { [fetched('fetched')]: constant(0), [fetched('refused')]: growing(1) },
    ],
    silent: [
      'one of two token fetches fails',
      { [fetched('fetched')]: once(1), [fetched('refused')]: '0x25 1x90' },
    ],
  },
  {
    alert: 'CallhooksReusedConnectionFailures',
    at: '80m',
    fires: ['one connection breaks each minute', { callhooks_reused_connection_failures_total: growing(1) }],
    silent: ['5 connections have broken', { callhooks_reused_connection_failures_total: '0x70 5x90' }],
  },
  {
    alert: 'CallhooksOverdueExecutions',
    at: '15m',
    fires: ['one execution has been overdue for 9 minutes', { callhooks_executions_overdue: '0x5 1x90' }],
    silent: ['one execution was overdue for a moment', { callhooks_executions_overdue: '0x12 1 0x90' }],
  },
  {
    alert: 'CallhooksBacklogOld',
    at: '30m',
    fires: ['a post-call has waited for half an hour', { callhooks_oldest_accepted_age_seconds: '0+60x90' }],
    silent: ['a post-call waits for 5 minutes', { callhooks_oldest_accepted_age_seconds: constant(300) }],
  },
  {
    alert: 'CallhooksBacklogExpiresSoon',
    at: '15m',
    fires: [
      'a post-call has waited for 13 hours',
      { callhooks_oldest_accepted_age_seconds: constant(46_800) },
    ],
    silent: ['no post-call waits', { callhooks_oldest_accepted_age_seconds: constant(0) }],
    beside: ['CallhooksBacklogOld'],
  },
  {
    alert: 'CallhooksBacklogGrowing',
    at: '80m',
    fires: ['50,000 post-calls wait, and they become more', { callhooks_post_calls_waiting: '50000+100x90' }],
    silent: [
      '50,000 post-calls wait, and they become fewer',
      { callhooks_post_calls_waiting: '50000-100x90' },
    ],
  },
  {
    alert: 'CallhooksExpired',
    at: '40m',
    fires: ['a post-call has expired', { [executions('post_call', 'failed', 'EXPIRED')]: '0x30 1x90' }],
    silent: [
      'a post-call expired 38 minutes ago',
      { [executions('post_call', 'failed', 'EXPIRED')]: once(1) },
    ],
  },
  {
    alert: 'CallhooksInterrupted',
    at: '40m',
    fires: [
      'a pre-call was interrupted',
      { [executions('pre_call', 'interrupted', 'SHUTDOWN')]: '0x30 1x90' },
    ],
    silent: [
      'a pre-call was interrupted 38 minutes ago',
      { [executions('pre_call', 'interrupted')]: once(1) },
    ],
  },
  {
    alert: 'CallhooksNotRecorded',
    at: '40m',
    fires: [
      'an outcome was not recorded, the first one ever',
      { [executions('post_call', 'succeeded', '', 'false')]: '_x30 1x90' },
    ],
    silent: [
      'an outcome was not recorded 38 minutes ago',
      { [executions('post_call', 'succeeded', '', 'false')]: '_ 1x90' },
    ],
  },
  {
    alert: 'CallhooksUndecryptable',
    at: '20m',
    fires: ['a secret did not open', { 'callhooks_undecryptable_total{what="secret"}': '0x15 1x90' }],
    silent: ['all values open', { 'callhooks_undecryptable_total{what="secret"}': constant(0) }],
  },
  {
    alert: 'CallhooksWeakDurability',
    at: '30m',
    fires: ['the database may lose rows', { callhooks_weak_durability: constant(1) }],
    silent: ['the database keeps rows', { callhooks_weak_durability: constant(0) }],
  },
  {
    alert: 'CallhooksRepeatsDiffer',
    at: '80m',
    fires: ['a repeat differs each minute', { callhooks_repeats_with_other_details_total: growing(1) }],
    silent: ['2 repeats have differed', { callhooks_repeats_with_other_details_total: '0x70 2x90' }],
  },
  {
    alert: 'CallhooksInsecure',
    at: '30m',
    fires: [
      'gRPC is open in plaintext',
      { callhooks_insecure: constant(1), callhooks_without_tokens: constant(0) },
    ],
    silent: ['gRPC is closed', { callhooks_insecure: constant(0), callhooks_without_tokens: constant(0) }],
  },
  {
    alert: 'CallhooksInsecure',
    at: '30m',
    fires: [
      'gRPC needs no token',
      { callhooks_insecure: constant(0), callhooks_without_tokens: constant(1) },
    ],
    silent: ['gRPC is closed', { callhooks_insecure: constant(0), callhooks_without_tokens: constant(0) }],
  },
  {
    alert: 'CallhooksCertificateExpires',
    at: '30m',
    fires: [
      'the certificate ends in 10 days',
      { callhooks_tls_certificate_expires_seconds: constant(10 * DAY) },
    ],
    silent: ['there is no certificate', { callhooks_tls_certificate_expires_seconds: 'Inf '.repeat(90) }],
  },
  {
    alert: 'CallhooksCertificateExpiresNow',
    at: '30m',
    fires: ['the certificate ends in a day', { callhooks_tls_certificate_expires_seconds: constant(DAY) }],
    silent: [
      'the certificate ends in 30 days',
      { callhooks_tls_certificate_expires_seconds: constant(30 * DAY) },
    ],
    beside: ['CallhooksCertificateExpires'],
  },
  {
    alert: 'CallhooksTlsFilesStale',
    at: '20m',
    fires: ['new files can not be used', { callhooks_tls_files_stale: constant(1) }],
    silent: ['new files could not be used for 5 minutes', { callhooks_tls_files_stale: '0x15 1x90' }],
  },
  {
    alert: 'CallhooksTlsHandshakesFail',
    at: '30m',
    fires: ['ten handshakes fail each minute', { callhooks_tls_handshake_failures_total: growing(10) }],
    silent: ['one handshake fails each minute', { callhooks_tls_handshake_failures_total: growing(1) }],
  },
  {
    alert: 'CallhooksAuthFailures',
    at: '30m',
    fires: [
      'ten calls each minute have an unknown token',
      { 'callhooks_access_refused_total{refusal="unknown_token"}': growing(10) },
    ],
    silent: [
      'one call each minute has an unknown token',
      { 'callhooks_access_refused_total{refusal="unknown_token"}': growing(1) },
    ],
  },
];
