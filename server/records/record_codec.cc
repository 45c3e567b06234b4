// A log record as bytes: kith.v1.LogRecord (cluster.proto).
#include "server/records/record_codec.h"

#include "kith/v1/cluster.pb.h"

namespace kith::server {

namespace {

struct OpWriter {
  v1::LogRecord& to;

  void operator()(const SendOp& op) const {
    auto& out = *to.mutable_message();
    out.set_content(op.body);
    out.set_reply_to_seq(op.reply_to_seq);
    for (const UserId& user : op.mentions) out.add_mentions(user.bytes());
    out.set_client_ts_ms(static_cast<std::uint64_t>(op.client_ts_ms));
  }
  void operator()(const CreateOp& op) const {
    auto& out = *to.mutable_create();
    out.set_type(static_cast<v1::ConversationType>(op.type));
    out.set_title(op.title);
    for (const UserId& user : op.members) out.add_members(user.bytes());
    for (const UserId& user : op.receipts_off) out.add_receipts_off(user.bytes());
  }
  void operator()(const MembershipOp& op) const {
    auto& out = *to.mutable_membership();
    out.set_kind(static_cast<v1::MemberChangeKind>(op.kind));
    for (const UserId& user : op.users) out.add_users(user.bytes());
    for (const UserId& user : op.receipts_off) out.add_receipts_off(user.bytes());
    out.set_role(static_cast<v1::MemberRole>(op.role));
  }
  void operator()(const MetaOp& op) const { to.mutable_meta()->set_title(op.title); }
  void operator()(const ReceiptOp& op) const {
    auto& out = *to.mutable_receipt();
    out.set_delivered_seq(op.delivered_seq);
    out.set_read_seq(op.read_seq);
    out.set_read_ordinal(op.read_ordinal);
    out.set_publish_read(op.publish_read);
  }
  void operator()(const BlockOp& op) const { to.mutable_block()->set_on(op.on); }
  void operator()(const UserMarkOp&) const { to.mutable_user_mark(); }
  void operator()(const TakeOverOp&) const { to.mutable_take_over(); }
};

// Empty stays empty; anything else must be an id.
template <class T>
bool read_id(const std::string& bytes, T& id) {
  if (bytes.empty()) return true;
  const auto found = T::from_bytes(bytes);
  if (found) id = T(*found);
  return found.has_value();
}

template <class Repeated>
bool read_users(const Repeated& all, std::vector<UserId>& users) {
  users.reserve(static_cast<std::size_t>(all.size()));
  for (const auto& bytes : all) {
    const auto found = UserId::from_bytes(bytes);
    if (!found) return false;
    users.push_back(UserId(*found));
  }
  return true;
}

bool read_op(const v1::LogRecord& from, LogRecord& record) {
  switch (from.op_case()) {
    case v1::LogRecord::kMessage: {
      SendOp op;
      op.body = from.message().content();
      op.reply_to_seq = from.message().reply_to_seq();
      op.client_ts_ms = static_cast<std::int64_t>(from.message().client_ts_ms());
      const bool ok = read_users(from.message().mentions(), op.mentions);
      record.op = std::move(op);
      return ok;
    }
    case v1::LogRecord::kCreate: {
      CreateOp op;
      op.type = static_cast<ConversationType>(from.create().type());
      op.title = from.create().title();
      const bool ok = read_users(from.create().members(), op.members) &&
                      read_users(from.create().receipts_off(), op.receipts_off);
      record.op = std::move(op);
      return ok;
    }
    case v1::LogRecord::kMembership: {
      MembershipOp op;
      op.kind = static_cast<MemberChangeKind>(from.membership().kind());
      op.role = static_cast<MemberRole>(from.membership().role());
      const bool ok = read_users(from.membership().users(), op.users) &&
                      read_users(from.membership().receipts_off(), op.receipts_off);
      record.op = std::move(op);
      return ok;
    }
    case v1::LogRecord::kMeta:
      record.op = MetaOp{from.meta().title()};
      return true;
    case v1::LogRecord::kReceipt:
      record.op = ReceiptOp{from.receipt().delivered_seq(), from.receipt().read_seq(),
                            from.receipt().read_ordinal(), from.receipt().publish_read()};
      return true;
    case v1::LogRecord::kBlock:
      record.op = BlockOp{from.block().on()};
      return true;
    case v1::LogRecord::kUserMark:
      record.op = UserMarkOp{};
      return true;
    case v1::LogRecord::kTakeOver:
      record.op = TakeOverOp{};
      return true;
    case v1::LogRecord::OP_NOT_SET:
      break;
  }
  return false;
}

}  // namespace

namespace {

// A row of several records begins with a byte that no record begins with: 0 is no tag of protobuf.
constexpr char kPacked = 0;
constexpr std::size_t kLengthBytes = 4;

void fill(const LogRecord& record, v1::LogRecord& out) {
  const auto set = [](std::string* field, std::string_view id) { field->assign(id); };
  set(out.mutable_conversation_id(), record.conversation.view());
  set(out.mutable_command_id(), record.command_id.view());
  set(out.mutable_sender(), record.sender.view());
  set(out.mutable_sender_device(), record.sender_device.view());
  out.set_attempt(record.attempt);
  out.set_gateway_ts_ms(static_cast<std::uint64_t>(record.gateway_ts_ms));
  out.set_rules_version(record.rules_version);
  out.set_sender_only(record.sender_only);
  out.set_receipts_off(record.receipts_off);
  out.set_epoch(record.tenure.epoch);
  out.set_holder(record.tenure.holder);
  std::visit(OpWriter{out}, record.op);
}

}  // namespace

std::string encode_record(const LogRecord& record) {
  v1::LogRecord out;
  fill(record, out);
  return out.SerializeAsString();
}

RecordPacker::RecordPacker() : scratch_(std::make_unique<v1::LogRecord>()) {}
RecordPacker::~RecordPacker() = default;

void RecordPacker::add(const LogRecord& record) {
  if (row_.empty()) row_.push_back(kPacked);
  scratch_->Clear();
  fill(record, *scratch_);
  const auto size = static_cast<std::uint32_t>(scratch_->ByteSizeLong());
  for (unsigned shift = 0; shift < 32; shift += 8) row_.push_back(static_cast<char>(size >> shift));
  scratch_->AppendToString(&row_);
}

std::vector<std::string_view> unpack_records(std::string_view row) {
  std::vector<std::string_view> records;
  if (row.empty() || row.front() != kPacked) return {row};
  row.remove_prefix(1);
  while (row.size() >= kLengthBytes) {
    std::size_t size = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;) {
      size = size << 8 | static_cast<unsigned char>(row[i]);
    }
    row.remove_prefix(kLengthBytes);
    if (size > row.size()) return {};
    records.push_back(row.substr(0, size));
    row.remove_prefix(size);
  }
  if (!row.empty()) records.clear();
  return records;
}

Result<LogRecord> decode_record(std::string_view bytes) {
  v1::LogRecord from;
  LogRecord record;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !read_id(from.conversation_id(), record.conversation) ||
      !read_id(from.command_id(), record.command_id) || !read_id(from.sender(), record.sender) ||
      !read_id(from.sender_device(), record.sender_device) || !read_op(from, record)) {
    return make_error(ErrorCode::kCacheCorrupt, "this is not a log record");
  }
  record.attempt = from.attempt();
  record.gateway_ts_ms = static_cast<std::int64_t>(from.gateway_ts_ms());
  record.rules_version = from.rules_version();
  record.sender_only = from.sender_only();
  record.receipts_off = from.receipts_off();
  record.tenure = {from.epoch(), from.holder()};
  return record;
}

}  // namespace kith::server
