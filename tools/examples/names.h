// First names from many countries, for the two programs that learn to write some. Letters are numbers from 1
// to 26; 0 stands for where a name begins, and for where it ends.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace names {

constexpr std::int64_t symbols = 27;

inline constexpr std::string_view text =
    "ada adam adele agnes albert alice alina amelia amina anders andrea anika anna anton ariel arthur aurora "
    "beatrice bella benno bianca boris bruno camila carla carlo carmen cecilia celine clara clemens daniel "
    "daria david delia diana dina dominik dora edgar elena eli elias elina elisa ella elsa emil emilia emma "
    "erik esther eva fabian fatima felix fiona flora frida gabriel gina greta gustav hanna hannes helena "
    "henrik hugo ida ilja ines ingrid irene iris isabel ivan jana jasmin joel johan jonas judith julia karin "
    "karla kira klara lara laura lea lena leo leon leonie lia lina linus lisa lorena louis luca lucia luisa "
    "magda malik mara marco maria marina mario marlene marta martin matilda maya melina mia mila milan milo "
    "mina mira miriam mona nadia naomi nela nico nina noah nora olga oliver oscar otto paul paula petra pia "
    "rafael ramona rebecca robert robin romeo rosa samir samuel sandra sara selina silvia simon sofia sonja "
    "stella tamara tania teo teresa theo thomas tilda tina tobias valentin vera victor viola vivian wanda "
    "yara yasmin zara zoe";

inline std::vector<std::string> all() {
  std::vector<std::string> words;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find(' ', begin), text.size());
    words.emplace_back(text.substr(begin, end - begin));
  }
  return words;
}

inline std::int64_t number_of(char letter) { return letter - 'a' + 1; }
inline char letter_of(std::int64_t number) { return static_cast<char>('a' + number - 1); }

/// Is it one of those that were there to learn from?
inline bool is_known(const std::string& name) {
  for (const std::string& word : all())
    if (word == name) return true;
  return false;
}

}  // namespace names
