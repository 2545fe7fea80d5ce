/** A provider's documented or observed responses for a grant that has ended. */
export interface DeadGrantFacts {
  /** Templates of the provider. */
  templates: string[];
  /** Statuses with which the provider was seen to refuse. */
  statuses: number[];
  /** Whether the response says nothing with another status. */
  withThisStatusOnly?: true;
  body: Record<string, unknown>;
  /** Alternative locations of the error code in the body. */
  codePaths: string[];
  /** Codes that end the grant. */
  dead: string[];
  /** Codes that end an authorization code, in the response to its exchange. */
  deadCode?: string[];
  /** Codes that refuse the client. */
  client?: string[];
  /** Codes that refuse the configuration. */
  configuration?: string[];
}

const google = ['google', 'google-gmail', 'google-calendar', 'google-drive', 'google-search-console', 'youtube'];

export const deadGrantFacts: DeadGrantFacts[] = [
  {
    templates: google,
    statuses: [400],
    body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: google,
    statuses: [400],
    body: { error: 'invalid_grant', error_description: 'reauth related error', error_subtype: 'invalid_rapt' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: ['microsoft-graph', 'microsoft-csp-partner-center'],
    statuses: [400],
    body: {
      error: 'invalid_grant',
      error_codes: [700_082],
      error_description: 'AADSTS700082: The refresh token has expired due to inactivity.',
    },
    codePaths: ['error'],
    dead: ['invalid_grant', 'interaction_required', 'consent_required', 'login_required', 'bad_token'],
  },
  {
    templates: ['notion', 'gitlab', 'discord'],
    statuses: [400, 401],
    body: { error: 'invalid_grant' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: ['slack'],
    statuses: [200],
    body: { ok: false, error: 'invalid_refresh_token' },
    codePaths: ['error'],
    dead: ['invalid_refresh_token', 'token_revoked', 'token_expired', 'account_inactive', 'invalid_grant'],
    deadCode: ['invalid_code', 'code_already_used'],
    client: ['invalid_client_id', 'bad_client_secret'],
    configuration: ['bad_redirect_uri', 'oauth_authorization_url_mismatch', 'invalid_grant_type'],
  },
  {
    templates: ['github'],
    statuses: [200],
    body: {
      error: 'bad_refresh_token',
      error_description: 'The refresh token passed is incorrect or expired.',
    },
    codePaths: ['error'],
    dead: ['bad_refresh_token'],
    deadCode: ['bad_verification_code'],
    client: ['incorrect_client_credentials'],
  },
  {
    templates: ['atlassian-jira'],
    statuses: [403],
    body: { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' },
    codePaths: ['error'],
    dead: ['invalid_grant', 'unauthorized_client'],
    client: ['access_denied'],
  },
  {
    templates: ['salesforce'],
    statuses: [400],
    body: { error: 'invalid_grant', error_description: 'expired access/refresh token' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: ['salesforce'],
    statuses: [400],
    body: { error: 'invalid_grant', error_description: 'inactive user' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: ['hubspot'],
    statuses: [400],
    body: {
      error: 'invalid_grant',
      error_description: 'refresh token is invalid, expired or revoked',
      status: 'BAD_REFRESH_TOKEN',
      message: 'missing or unknown refresh token',
    },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    // The first version of the API names the code in `status` alone.
    templates: ['hubspot'],
    statuses: [400],
    body: { status: 'BAD_REFRESH_TOKEN', message: 'missing or unknown refresh token' },
    codePaths: ['status'],
    dead: ['BAD_REFRESH_TOKEN'],
  },
  {
    templates: ['zoom'],
    statuses: [400, 401],
    body: { reason: 'Invalid Token!', error: 'invalid_grant' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
    client: ['invalid_client'],
  },
  {
    templates: ['dropbox'],
    statuses: [400],
    body: { error: 'invalid_grant', error_description: 'the refresh token is invalid or revoked' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: ['quickbooks'],
    statuses: [400],
    body: { error: 'invalid_grant', error_description: 'Incorrect or invalid refresh token' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    templates: ['auth0'],
    statuses: [403],
    body: { error: 'invalid_grant', error_description: 'Unknown or invalid refresh token.' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
  {
    // The code is that of every malformed request: only the description tells.
    templates: ['x-twitter'],
    statuses: [400],
    withThisStatusOnly: true,
    body: { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' },
    codePaths: ['error'],
    dead: ['invalid_request', 'invalid_grant'],
  },
  {
    templates: ['twitch'],
    statuses: [400],
    body: { status: 400, message: 'Invalid refresh token' },
    codePaths: ['message'],
    dead: ['Invalid refresh token'],
  },
  {
    templates: ['facebook'],
    statuses: [400],
    body: { error: { type: 'OAuthException', code: 190, message: 'Session has expired' } },
    codePaths: ['error'],
    dead: [],
  },
  {
    templates: ['zoho'],
    statuses: [200],
    body: { error: 'invalid_code' },
    codePaths: ['error'],
    dead: ['invalid_code'],
    deadCode: ['invalid_code'],
    client: ['invalid_client', 'invalid_client_secret'],
  },
  {
    templates: ['spotify', 'airtable', 'zendesk'],
    statuses: [400],
    body: { error: 'invalid_grant' },
    codePaths: ['error'],
    dead: ['invalid_grant'],
  },
];

/** Providers without a template, or with one whose rules are left out: rules they need, and their response for an ended grant. */
export const otherProviders: [provider: string, rules: object, status: number, body: unknown][] = [
  ['Twitch without a rule', {}, 400, { status: 400, message: 'Invalid refresh token' }],
  [
    'Strava',
    { failures: [{ path: 'errors.0.resource', equals: 'RefreshToken', class: 'reauthorization' }] },
    400,
    { message: 'Bad Request', errors: [{ resource: 'RefreshToken', field: 'refresh_token', code: 'invalid' }] },
  ],
  [
    'Fitbit',
    {},
    400,
    { errors: [{ errorType: 'invalid_grant', message: 'Refresh token invalid: x' }], success: false },
  ],
  [
    'RingCentral',
    { failures: [{ path: 'errors.0.errorCode', equals: 'OAU-213', class: 'reauthorization' }] },
    401,
    { errors: [{ errorCode: 'OAU-213', message: 'Token not found' }] },
  ],
  [
    'RingCentral by its error path',
    { response: { error: 'error|errors.0.errorCode' }, terminalErrors: ['OAU-213'] },
    400,
    { errors: [{ errorCode: 'OAU-213', message: 'Token not found' }] },
  ],
  ['Canva', {}, 400, { code: 'invalid_grant', message: 'Invalid refresh token' }],
  ['HubSpot, first version', {}, 400, { status: 'BAD_REFRESH_TOKEN', message: 'missing or unknown refresh token' }],
  ['Zoho without a rule', {}, 200, { error: 'invalid_code' }],
  [
    'Atlassian without a rule',
    {},
    403,
    { error: 'unauthorized_client', error_description: 'refresh_token is invalid' },
  ],
  ['GitHub without a rule', {}, 200, { error: 'bad_refresh_token' }],
];
