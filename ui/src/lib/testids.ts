/**
 * Names by which tests find things in the windows. They are kept as they are: tests of other rooms
 * read them through WebDriver.
 *
 * Beside some of them stand further attributes:
 * - `source`: `data-kind` (sender, group, tag or relay), `data-name`
 * - `inboxRow`: `data-id` (the message's number), `data-read` (`true` or `false`)
 * - `composeStatus`: one per recipient, `data-name`, `data-delivery` (a `Delivery`)
 * - `composeProgress`: `data-progress` (a `Progress` state)
 * - `offer`: `data-kind` (a `Deed` kind)
 * - `connectionState`: `data-state` (a `Connection` state)
 */
export const testid = {
  firstRunHost: 'first-run-host',
  firstRunJoin: 'first-run-join',
  joinAddress: 'join-address',
  joinToken: 'join-token',
  joinName: 'join-name',
  joinGroup: 'join-group',
  joinSubmit: 'join-submit',
  curlLine: 'curl-line',
  firstMessage: 'first-message',
  openInbox: 'open-inbox',
  inboxList: 'inbox-list',
  inboxRow: 'inbox-row',
  inboxPill: 'inbox-pill',
  search: 'search',
  filterUnread: 'filter-unread',
  filterImportant: 'filter-important',
  filterSource: 'filter-source',
  source: 'source',
  listMenu: 'list-menu',
  exportList: 'export-list',
  deleteList: 'delete-list',
  messageTitle: 'message-title',
  messageBody: 'message-body',
  messageSender: 'message-sender',
  messageHeld: 'message-held',
  offer: 'offer',
  consent: 'consent',
  mute: 'mute',
  quietBar: 'quiet-bar',
  resume: 'resume',
  pauseShort: 'pause-30',
  quietAdd: 'quiet-add',
  mutedList: 'muted-list',
  consentList: 'consent-list',
  undo: 'undo',
  composeKindPerson: 'compose-kind-person',
  composeKindGroup: 'compose-kind-group',
  composeTo: 'compose-to',
  composeTitle: 'compose-title',
  composeBody: 'compose-body',
  composeSend: 'compose-send',
  composeProgress: 'compose-progress',
  composeStatus: 'compose-status',
  navInbox: 'nav-inbox',
  navSent: 'nav-sent',
  navSettings: 'nav-settings',
  connectionState: 'connection-state',
  problemBar: 'problem-bar',
  plainSecret: 'plain-secret',
  startAgent: 'start-agent',
} as const;
