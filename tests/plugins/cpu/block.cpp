// Plays CUDA on a processor: the threads of a block are fibers of one machine thread, so that a barrier
// is a switch, and a few machine threads play blocks at once, so that blocks meet each other in memory.
#include "cpu/block.hpp"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "cpu/launch.hpp"
#include "cpu/types.hpp"
#include "fiber.hpp"

__thread uint3 threadIdx;
__thread uint3 blockIdx;
__thread dim3 blockDim;
__thread dim3 gridDim;

namespace farm::cpu {
namespace {

// More than there are cores here, so that blocks are also left in the middle.
constexpr unsigned kBlocksAtOnce = 3;

enum class State { kRunnable, kAtBarrier, kMeeting, kEnded };

// Lanes that wait for each other.
struct Meeting {
  unsigned mask = 0;
  unsigned arrived = 0;
  Where where;
  Brought brought;
};

struct Thread {
  Fiber fiber;
  uint3 index;
  State state = State::kRunnable;
  Brought result;
};

bool same(Where a, Where b) { return a.line == b.line && std::strcmp(a.file, b.file) == 0; }

// To the byte, so that the sanitizer sees the one after it.
unsigned char* aligned(std::size_t bytes) {
  void* place = nullptr;
  if (posix_memalign(&place, 128, bytes) != 0) {
    misuse({}, "no memory for %zu shared bytes", bytes);
  }
  return static_cast<unsigned char*>(place);
}

class Block {
 public:
  Block(Grid const& grid, void (*body)(void*), void* arguments)
      : grid_(grid),
        body_(body),
        arguments_(arguments),
        threads_(std::size_t{grid.block.x} * grid.block.y * grid.block.z),
        meetings_(threads_.size()),
        order_(threads_.size()),
        shared_(aligned(grid.shared_bytes), std::free) {}

  void run(std::uint64_t number);
  Votes barrier(bool predicate, Where where);
  Brought const& meet(unsigned mask, std::uint64_t value, Where where);
  unsigned lane() const { return static_cast<unsigned>(current_ % kWarpSize); }
  void leave() { threads_[current_].fiber.leave(); resumed(); }
  void* shared() { return shared_.get(); }

 private:
  static void enter(void* self);
  void resumed() { threadIdx = threads_[current_].index; }
  void arrange(std::uint64_t number);
  Meeting& join(unsigned mask, Where where);
  [[noreturn]] void stuck();

  Grid grid_;
  void (*body_)(void*);
  void* arguments_;
  std::vector<Thread> threads_;
  std::vector<Meeting> meetings_;  // at most one for each thread
  std::vector<std::size_t> order_;
  std::unique_ptr<unsigned char, void (*)(void*)> shared_;
  std::size_t current_ = 0;
  std::size_t at_barrier_ = 0;
  std::size_t ended_ = 0;
  Votes votes_{};
  Votes counted_{};
  Where where_;
};

thread_local Block* playing = nullptr;

void Block::enter(void* self) {
  auto& block = *static_cast<Block*>(self);
  block.body_(block.arguments_);
  block.threads_[block.current_].state = State::kEnded;
  ++block.ended_;
}

// A kernel may count on no order of its threads, so they run forwards, backwards and anyhow.
void Block::arrange(std::uint64_t number) {
  for (std::size_t i = 0; i < order_.size(); ++i) {
    order_[i] = number % 3 == 1 ? order_.size() - 1 - i : i;
  }
  if (number % 3 == 2) {
    std::shuffle(order_.begin(), order_.end(), std::mt19937_64(number));
  }
}

void Block::run(std::uint64_t number) {
  playing = this;
  blockDim = grid_.block;
  gridDim = grid_.grid;
  blockIdx = {static_cast<unsigned>(number % grid_.grid.x),
              static_cast<unsigned>(number / grid_.grid.x % grid_.grid.y),
              static_cast<unsigned>(number / grid_.grid.x / grid_.grid.y)};
  std::memset(shared_.get(), 0xFF, grid_.shared_bytes);
  arrange(number);
  ended_ = 0;
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    auto const flat = static_cast<unsigned>(i);
    threads_[i].index = {flat % grid_.block.x, flat / grid_.block.x % grid_.block.y,
                         flat / grid_.block.x / grid_.block.y};
    threads_[i].state = State::kRunnable;
    threads_[i].fiber.start(enter, this);
  }
  while (ended_ < threads_.size()) {
    bool went_on = false;
    for (std::size_t i : order_) {
      if (threads_[i].state == State::kRunnable) {
        current_ = i;
        resumed();
        threads_[i].fiber.resume();
        went_on = true;
      }
    }
    if (!went_on) {
      stuck();
    }
  }
}

Votes Block::barrier(bool predicate, Where where) {
  if (at_barrier_ == 0) {
    where_ = where;
    votes_ = {0, 1};
  } else if (!same(where, where_)) {
    misuse(where, "threads of one block wait at different barriers; others are at line %d", where_.line);
  }
  votes_.nonzero += predicate;
  votes_.all &= predicate;
  if (++at_barrier_ == threads_.size()) {
    at_barrier_ = 0;
    counted_ = votes_;
    for (Thread& thread : threads_) {
      thread.state = State::kRunnable;
    }
  } else {
    threads_[current_].state = State::kAtBarrier;
    leave();
  }
  // Nobody comes to the next barrier's end before all have read this.
  return counted_;
}

Meeting& Block::join(unsigned mask, Where where) {
  std::size_t const first = current_ / kWarpSize * kWarpSize;
  std::size_t const last = std::min(first + kWarpSize, threads_.size());
  Meeting* unused = nullptr;
  for (std::size_t i = first; i < last; ++i) {
    Meeting& meeting = meetings_[i];
    if (meeting.mask == 0) {
      unused = &meeting;
    } else if (meeting.mask & mask) {
      if (meeting.mask != mask || !same(meeting.where, where)) {
        misuse(where, "lanes disagree: mask %08x here, %08x at line %d", mask, meeting.mask, meeting.where.line);
      }
      return meeting;
    }
  }
  unused->mask = mask;
  unused->arrived = 0;
  unused->where = where;
  return *unused;
}

Brought const& Block::meet(unsigned mask, std::uint64_t value, Where where) {
  unsigned const bit = 1u << lane();
  if (!(mask & bit)) {
    misuse(where, "lane %u is not in its own mask %08x", lane(), mask);
  }
  Meeting& meeting = join(mask, where);
  meeting.arrived |= bit;
  meeting.brought.value[lane()] = value;
  if (meeting.arrived == mask) {
    meeting.mask = 0;
    std::size_t const first = current_ / kWarpSize * kWarpSize;
    for (unsigned other = 0; other < kWarpSize; ++other) {
      if (mask >> other & 1u) {
        threads_[first + other].result = meeting.brought;
        threads_[first + other].state = State::kRunnable;
      }
    }
  } else {
    threads_[current_].state = State::kMeeting;
    leave();
  }
  return threads_[current_].result;
}

void Block::stuck() {
  if (at_barrier_ > 0) {
    misuse(where_, "a barrier was reached by %zu of %zu threads; %zu have ended", at_barrier_, threads_.size(),
           ended_);
  }
  for (Meeting const& meeting : meetings_) {
    if (meeting.mask != 0) {
      misuse(meeting.where, "lanes %08x of mask %08x never came", meeting.mask & ~meeting.arrived, meeting.mask);
    }
  }
  misuse({}, "no thread can go on");
}

}  // namespace

Votes barrier(bool predicate, Where where) { return playing->barrier(predicate, where); }
Brought const& meet(unsigned mask, std::uint64_t value, Where where) { return playing->meet(mask, value, where); }
unsigned lane() { return playing->lane(); }
void* dynamic_shared_bytes() { return playing->shared(); }

void relax() {
  std::this_thread::yield();
  playing->leave();
}

void misuse(Where where, char const* format, ...) {
  std::fprintf(stderr, "misuse: %s:%d: block (%u, %u, %u) thread (%u, %u, %u): ", where.file, where.line,
               blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
  std::va_list values;
  va_start(values, format);
  std::vfprintf(stderr, format, values);
  va_end(values);
  std::fputc('\n', stderr);
  std::abort();
}

void play(Grid const& grid, void (*body)(void*), void* arguments) {
  std::uint64_t const count = std::uint64_t{grid.grid.x} * grid.grid.y * grid.grid.z;
  std::atomic<std::uint64_t> next{0};
  // The last block first: a kernel may count on no order of its blocks either.
  auto work = [&] {
    Block block(grid, body, arguments);
    for (std::uint64_t i = next++; i < count; i = next++) {
      block.run(count - 1 - i);
    }
  };
  std::vector<std::thread> others;
  for (std::uint64_t i = 1; i < kBlocksAtOnce && i < count; ++i) {
    others.emplace_back(work);
  }
  work();
  for (std::thread& other : others) {
    other.join();
  }
}

}  // namespace farm::cpu
