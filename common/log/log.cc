#include "common/log/log.h"

#include <grpc/support/log.h>
#include <grpcpp/version_info.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_sinks.h"

namespace sr2l {
namespace {

// The text of a message as the inside of a JSON string.
class JsonTextFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    for (const char c : message.payload) {
      const unsigned char byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (byte < 0x20) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<int>(byte));
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonTextFlag>();
  }
};

// gRPC up to 1.64 logs through a hook; later releases through Abseil's log.
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 65
#define SR2L_GRPC_LOG_HOOK
void ForwardGrpcMessage(gpr_log_func_args* arguments) {
  if (arguments->severity == GPR_LOG_SEVERITY_ERROR) {
    SR2L_WARNING("grpc: {}", arguments->message);
  }
}
#endif

}  // namespace

void InitializeLog(const std::string& process_name, LogFormat format) {
  auto logger = spdlog::stderr_logger_mt(process_name);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonTextFlag>('*');
  if (format == LogFormat::kJson) {
    formatter->set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","process":"%n","message":"%*"})");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %n: %v");
  }
  logger->set_formatter(std::move(formatter));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
#ifdef SR2L_GRPC_LOG_HOOK
  gpr_set_log_function(ForwardGrpcMessage);
#endif
}

}  // namespace sr2l
