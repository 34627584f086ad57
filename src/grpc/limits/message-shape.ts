import { fromBinary, isFieldSet } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  type DescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';
import { FILE_DESCRIPTORS } from '../../gen/descriptors.ts';

/** What the walk over the bytes of a message has to know of a message type. */
export interface MessageShape {
  /** The fields by their numbers. */
  readonly fields: readonly (FieldShape | undefined)[];
  /**
   * How many fields of one message are not counted as values: one for each field that is not repeated, and one for all
   * fields of a oneof together. So a map entry has two such fields, its key and its value, and a `google.protobuf.Value`
   * has one, its kind.
   */
  readonly freeFields: number;
  /** Says whether it is one of the types of `google.protobuf.Struct`, whose nesting is that of JSON. */
  readonly isJson: boolean;
}

/** What the walk has to know of a field. */
export interface FieldShape {
  /** The name in the proto file. */
  readonly name: string;
  readonly isRepeated: boolean;
  /** How its values are written (0 varint, 1 eight bytes, 2 length and content, 5 four bytes). */
  readonly wireType: number;
  /** The size of an element of a packed list: 0 for a varint. Undefined when the field is no such list. */
  readonly packedSize: number | undefined;
  /** The type of a message. Undefined for any other field. */
  readonly message: MessageShape | undefined;
  /** The bit of a message that is not repeated, by which the walk knows it again. 0 for any other field. */
  readonly bit: number;
}

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;
const FIXED_SIZES: Readonly<Record<number, number>> = { [VARINT]: 0, [FIXED64]: 8, [FIXED32]: 4 };
const WIRE_TYPES: Readonly<Partial<Record<Type, number>>> = {
  [Type.DOUBLE]: FIXED64,
  [Type.FIXED64]: FIXED64,
  [Type.SFIXED64]: FIXED64,
  [Type.FLOAT]: FIXED32,
  [Type.FIXED32]: FIXED32,
  [Type.SFIXED32]: FIXED32,
  [Type.STRING]: DELIMITED,
  [Type.BYTES]: DELIMITED,
  [Type.MESSAGE]: DELIMITED,
};
const JSON_TYPES = /^\.google\.protobuf\.(Struct|Struct\.FieldsEntry|Value|ListValue)$/;

/**
 * Returns the shapes of the request messages by the paths of their methods (`/callhooks.v1.AgentAdmin/GetAgent`), for
 * every service that the descriptors hold.
 */
export function readRequestShapes(): ReadonlyMap<string, MessageShape> {
  const files = Object.values(FILE_DESCRIPTORS).map((base64) =>
    fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64')),
  );
  const types = new Map(files.flatMap(messagesOf));
  const shapeOf = createShapes(types);
  return new Map(
    files.flatMap((file) =>
      file.service.flatMap(({ name, method }) =>
        method.map((rpc) => [`/${file.package}.${name}/${rpc.name}`, shapeOf(rpc.inputType)] as const),
      ),
    ),
  );
}

/** Returns the message types of a file by their full names, such as `.callhooks.v1.Agent`. */
function messagesOf(file: FileDescriptorProto): (readonly [string, DescriptorProto])[] {
  return file.messageType.flatMap((type) => withNested(`.${file.package}.${type.name}`, type));
}

function withNested(name: string, type: DescriptorProto): (readonly [string, DescriptorProto])[] {
  return [[name, type], ...type.nestedType.flatMap((nested) => withNested(`${name}.${nested.name}`, nested))];
}

/** Returns the function that makes the shape of a type by its name. Each shape is made once: types are recursive. */
function createShapes(types: ReadonlyMap<string, DescriptorProto>): (name: string) => MessageShape {
  const shapes = new Map<string, MessageShape>();
  const shapeOf = (name: string): MessageShape => {
    const known = shapes.get(name);
    if (known !== undefined) return known;
    const type = types.get(name);
    if (type === undefined) throw new Error(`there is no descriptor of ${name}`);
    const fields: (FieldShape | undefined)[] = [];
    const shape = { fields, freeFields: freeFieldsOf(type), isJson: JSON_TYPES.test(name) };
    shapes.set(name, shape);
    let messages = 0;
    for (const field of type.field) {
      const isSingleMessage = field.type === Type.MESSAGE && !isRepeated(field);
      fields[field.number] = fieldShape(field, isSingleMessage ? 1 << messages++ : 0, shapeOf);
    }
    if (messages > 31) throw new Error(`${name} has more message fields than bits`);
    return shape;
  };
  return shapeOf;
}

function fieldShape(
  field: FieldDescriptorProto,
  bit: number,
  shapeOf: (name: string) => MessageShape,
): FieldShape {
  const wireType = WIRE_TYPES[field.type] ?? VARINT;
  return {
    name: field.name,
    isRepeated: isRepeated(field),
    wireType,
    packedSize: isRepeated(field) ? FIXED_SIZES[wireType] : undefined,
    message: field.type === Type.MESSAGE ? shapeOf(field.typeName) : undefined,
    bit,
  };
}

function freeFieldsOf({ field }: DescriptorProto): number {
  const single = field.filter((one) => !isRepeated(one));
  return new Set(single.map((one) => (isInOneof(one) ? one.oneofIndex : one.name))).size;
}

function isInOneof(field: FieldDescriptorProto): boolean {
  return isFieldSet(field, FieldDescriptorProtoSchema.field.oneofIndex);
}

function isRepeated({ label }: FieldDescriptorProto): boolean {
  return label === Label.REPEATED;
}
