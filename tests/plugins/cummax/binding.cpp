// What tests call of cummax, on a processor as on a card.
#include "kernel.hpp"

#include "../running_extremum/binding.hpp"

std::size_t farm_test::workspace_of(std::int64_t outer, std::int64_t length, std::int64_t inner) {
  return farm::cummax_workspace_bytes(outer, length, inner);
}

template <typename... Arguments>
cudaError_t farm_test::run_of(Arguments... arguments) {
  return farm::cummax(arguments...);
}
