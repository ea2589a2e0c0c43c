// SPDX-License-Identifier: MIT
// layout.ts - places in structs of the core, in words of 4 bytes; layout.h has
// the compiler check them. The first word of a view is its place, the second its
// length; a number of 64 bits has its low word first.

/** struct bridge, at a handle. */
export const enum Bridge {
  RECORDS = 0, RECORDS_LEN = 1, TEXTS = 3, TEXTS_LEN = 4, BYTES = 6,
  HAS_TIMER = 9, TIMER_MS = 10, RETURNED = 12,
}

export const RECORD_WORDS = 28;

/** enum gw_event_type, and the record of events.c's own. */
export const enum EventType {
  STATE, SUB_STATE, PUBLICATION, GAP, PUBLISHED, PRESENCE, PRESENCE_SYNC, REPLY,
  CALL, RTT, META, MESSAGE, TOKEN, MEMBER,
}

/** gw_event: what all have. The subscription, request, call, round trip or
 * question. */
export const enum Event { TYPE = 0, ID = 4 }

export const enum StateEvent {
  TO = 5, REASON = 6, ATTEMPT = 9, RETRY_AT_MS = 10,
}

export const enum SubEvent {
  CHANNEL = 5, TO = 8, REASON = 9, RECOVERY = 12, BY_SERVER = 13, POSITION = 14,
}

export const enum PublicationEvent {
  OWN = 5, POSITION = 6, PAYLOAD = 10, CLIENT = 14, KEY = 16, USER = 18,
  TIME_MS = 20, ITEM = 22, CHANNEL = 24, TAGS = 26,
}

export const enum GapEvent { REASON = 5, FROM = 6, TO = 8, POSITION = 10 }

export const enum PublishedEvent {
  KEY = 4, REASON = 6, POSITION = 10, DUPLICATE = 14, FIELD = 15,
  RETRY_AFTER_MS = 17,
}

export const enum PresenceEvent {
  KIND = 5, CLIENT = 6, USER = 8, STATE = 10, DATA = 12, JSON = 14,
  SINCE_MS = 16, OWN = 18,
}

export const enum SyncEvent {
  VERSION = 6, MODE = 9, CLIENTS = 10, USERS = 11, ANEW = 12,
}

export const enum MessageEvent {
  CLIENT = 4, USER = 6, TO = 8, GROUP = 9, EVENT = 11, PAYLOAD = 13,
  TIME_MS = 16, OWN = 18,
}

export const enum ReplyEvent {
  REASON = 5, RETRY_AFTER_MS = 8, PAYLOAD = 9, MORE = 13,
}

export const enum CallEvent {
  METHOD = 5, PAYLOAD = 7, FROM = 10, FROM_USER = 12,
}

export const enum MetaEvent { META = 5 }
export const enum TokenEvent { SUB = 5 }

/** gw_sub_options and gw_publish_options: what the full client adds. */
export const enum SubOptions { PRESENCE = 6, NUM_TERMS = 11, META_LEN = 16 }
export const enum PubOptions { NUM_TAGS = 10, META_LEN = 15 }

/** gw_client_options. The views of token, user, agent and instance follow each
 * other, NUM_TEXTS of them; those of the endpoints follow the struct. */
export const enum Options {
  ENDPOINTS = 0, NUM_ENDPOINTS = 1, TOKEN = 2, FIRST_KEY = 10, RETRY = 12,
  PING_INTERVAL_MS = 18, WORDS = 30, NUM_TEXTS = 4,
}

/** In place of a delay, and GW_CREDIT_NONE. */
export const enum None { TIMER = 0xffff_ffff, CREDIT = 0xffff_ffff }

/** gw_client_info. */
export const enum Facts {
  RETRY_AT_MS = 6, CONNECTION = 10, CLIENT = 12, USER = 14, ENDPOINT = 16, LIMITS = 18,
  OUTBOX_COUNT = 28, OUTBOX_BYTES = 29, NUM_DUPLICATES = 32,
  RESUMED = 38,
}
