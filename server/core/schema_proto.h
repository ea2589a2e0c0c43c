/* SPDX-License-Identifier: MIT */
/* schema_proto.h - messages of a descriptor set as they are checked: shared by the
 * file that reads them and the one that uses them; and how bytes of Protocol
 * Buffers are walked. */
#ifndef GODWIT_SERVER_SCHEMA_PROTO_H
#define GODWIT_SERVER_SCHEMA_PROTO_H

#include "server/core/schema.h"

/** Types of fields, numbered by descriptor.proto. */
enum gw__proto_type {
  GW__PROTO_DOUBLE = 1,
  GW__PROTO_FLOAT,
  GW__PROTO_INT64,
  GW__PROTO_UINT64,
  GW__PROTO_INT32,
  GW__PROTO_FIXED64,
  GW__PROTO_FIXED32,
  GW__PROTO_BOOL,
  GW__PROTO_STRING,
  GW__PROTO_GROUP,
  GW__PROTO_MESSAGE,
  GW__PROTO_BYTES,
  GW__PROTO_UINT32,
  GW__PROTO_ENUM,
  GW__PROTO_SFIXED32,
  GW__PROTO_SFIXED64,
  GW__PROTO_SINT32,
  GW__PROTO_SINT64
};

/** protobuf.dev/programming-guides/encoding; groups are not read. */
enum gw__wire { GW__WIRE_VARINT, GW__WIRE_64, GW__WIRE_BYTES, GW__WIRE_32 = 5 };

/** Required fields of one message: a word of bits says which are there. */
#define GW__REQUIRED_MAX 64u

typedef struct gw__proto_enum {
  gw_view name;   /**< full */
  bool is_closed; /**< other values are no values (proto2) */
  gw_view body;   /**< EnumDescriptorProto */
} gw__proto_enum;

typedef struct gw__proto_field {
  uint32_t number;
  uint8_t type; /**< enum gw__proto_type */
  bool is_repeated;
  uint8_t required; /**< bit of the word, from 1 on; 0: it is not */
  uint32_t of;      /**< message or enum of the schema */
  gw_view name;
  gw_view type_name;
} gw__proto_field;

typedef struct gw__proto_message {
  gw_view name; /**< full, without the dot in front */
  gw_view body; /**< DescriptorProto */
  uint32_t num_fields;
  gw__proto_field *fields; /**< by number */
  uint64_t required;
} gw__proto_message;

struct gw__proto_schema {
  uint8_t *set; /**< the descriptors, which views point into */
  char *names;  /**< full ones */
  size_t names_len;
  uint32_t num_messages;
  uint32_t num_enums;
  gw__proto_message *messages;
  gw__proto_enum *enums;
  uint32_t root;
};

/** One field of encoded bytes. */
typedef struct gw__proto_value {
  uint32_t number;
  unsigned wire;   /**< enum gw__wire */
  uint64_t varint; /**< VARINT */
  gw_view bytes;   /**< the others' */
} gw__proto_value;

/** Take the next field from the front. False: it is not well-formed, or a
 * group. */
bool gw__proto_next(gw_view *rest, gw__proto_value *value);
/** Take a varint of up to 64 bits from the front. */
bool gw__proto_varint(gw_view *rest, uint64_t *value);

#endif
