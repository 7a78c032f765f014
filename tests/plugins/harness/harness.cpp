// The door for tests: one order in, a report and the outputs out.

#include <exception>
#include <string>

#include "memory.hpp"
#include "play.hpp"

namespace farm::harness {
namespace {

class Log final : public nvinfer1::ILogger, public nvinfer1::ILoggerFinder {
 public:
  void log(Severity, const char* line) noexcept override {
    lines += std::string("log ") + line + "\n";
  }
  nvinfer1::ILogger* findLogger() override { return this; }
  std::string lines;
};

std::string told(const Play& play) {
  std::string report = "workspace " + std::to_string(play.workspace()) + "\n";
  for (const Given& output : play.outputs()) {
    report += "output " + name_of(output.type);
    for (const std::int64_t size : output.actual) report += " " + std::to_string(size);
    report += "\n";
  }
  return report;
}

}  // namespace
}  // namespace farm::harness

extern "C" {

// Plays an order. Without `execute` only what a builder asks: the report says what memory the rest
// takes. `data` is inputs, then outputs. All of it lies on the card, where there is one.
int harness_play(const char* order, std::int64_t order_bytes, char* report,
                 std::int64_t report_bytes, std::int64_t execute, void* workspace, void* d0,
                 void* d1, void* d2, void* d3, void* d4, void* d5, void* d6, void* d7) {
  void* const data[] = {d0, d1, d2, d3, d4, d5, d6, d7};
  farm::harness::Log log;
  std::string said;
  try {
    const std::string text = farm::harness::content(order, static_cast<std::size_t>(order_bytes));
    const farm::harness::Order read = farm::harness::read_order(text);
    const farm::harness::Library plugins(read.library.c_str(), log);
    farm::harness::Play play(plugins, read);
    play.build();
    if (execute != 0) play.execute(data, workspace, nullptr);
    said = farm::harness::told(play);
  } catch (const std::exception& failed) {
    said = std::string("failed ") + failed.what() + "\n";
  }
  said += log.lines;
  said.resize(static_cast<std::size_t>(report_bytes));
  farm::harness::copy(report, said.data(), said.size());
  return 0;
}
}
