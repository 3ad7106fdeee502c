// The part of Python's grammar that expressions may use, in PEGTL. Every alternative is chosen by its first
// token or by a look ahead over plain text, so that no action ever has to be undone.

#pragma once

#include <tao/pegtl.hpp>

#include "text.h"

namespace chainrule::cli::grammar {

namespace p = tao::pegtl;

struct blank : p::star<p::one<' ', '\t', '\r', '\f'>> {};
template <char... c>
struct token : p::seq<p::string<c...>, blank> {};

/// Letters of every script, which PEGTL knows only with the help of ICU.
struct identifier {
  using rule_t = identifier;
  using subs_t = p::empty_list;
  template <class Input>
  static bool match(Input& in) {
    const std::size_t length = identifier_length({in.current(), in.size()});
    in.bump(length);
    return length > 0;
  }
};

struct expression;
struct unary;

struct digits : p::seq<p::plus<p::digit>, p::star<p::one<'_'>, p::plus<p::digit>>> {};
struct exponent : p::seq<p::one<'e', 'E'>, p::opt<p::one<'+', '-'>>, digits> {};
struct number
    : p::seq<p::sor<p::seq<p::one<'.'>, digits>, p::seq<digits, p::opt<p::one<'.'>, p::opt<digits>>>>,
             p::opt<exponent>> {};
struct no_letters : p::not_at<identifier> {};
struct string_end : p::success {};
template <char quote>
struct string_content : p::star<p::not_one<quote, '\n'>> {};
template <char quote>
struct quoted : p::if_must<p::one<quote>, string_content<quote>, p::one<quote>> {};
struct string : p::sor<quoted<'\''>, quoted<'"'>> {};
struct name : identifier {};

struct comma : token<','> {};
struct item : p::seq<expression> {};
struct items : p::opt<p::list<item, comma>, p::opt<comma>> {};  // list backs off from a trailing comma
struct open_list : token<'['> {};
struct close_list : token<']'> {};
struct list : p::if_must<open_list, items, close_list> {};
struct open_tuple : token<'('> {};
struct close_tuple : token<')'> {};
struct tuple : p::if_must<open_tuple, items, close_tuple> {};
struct atom : p::seq<p::sor<p::if_must<number, no_letters>, string, name, list, tuple>, blank> {};

struct assign_sign : p::seq<p::one<'='>, p::not_at<p::one<'='>>, blank> {};
struct target : p::seq<identifier> {};
struct any_name : p::seq<identifier> {};
struct between_targets : token<','> {};  // comma is about the bracket that it is in
struct targets
    : p::seq<p::at<p::list<any_name, comma>, blank, assign_sign>, p::list<target, between_targets>> {};
struct keyword : p::seq<p::at<identifier, blank, assign_sign>, identifier> {};
struct positional : p::seq<expression> {};
struct keyword_argument : p::if_must<keyword, blank, assign_sign, expression> {};
struct argument : p::sor<keyword_argument, positional> {};
struct arguments : p::opt<p::list<argument, comma>, p::opt<comma>> {};
struct open_call : token<'('> {};
struct close_call : token<')'> {};
struct call : p::if_must<open_call, arguments, close_call> {};

struct no_bound : p::at<p::one<':', ',', ']'>> {};
struct no_step : p::success {};
struct bound : p::sor<no_bound, expression> {};
struct colon : token<':'> {};
struct slice_rest : p::if_must<colon, bound, p::sor<p::if_must<colon, bound>, no_step>> {};
struct open_slice : p::seq<p::at<p::one<':'>>, no_bound> {};
struct slice_from_start : p::if_must<open_slice, slice_rest> {};
struct ellipsis : token<'.', '.', '.'> {};
struct position : p::sor<ellipsis, slice_from_start, p::seq<expression, p::opt<slice_rest>>> {};
struct positions : p::seq<p::list<position, comma>, p::opt<comma>> {};
struct open_index : token<'['> {};
struct close_index : token<']'> {};
struct index : p::if_must<open_index, positions, close_index> {};

struct attribute_name : identifier {};
struct open_method : token<'('> {};
struct method_call : p::if_must<open_method, arguments, close_call> {};
struct no_call : p::success {};
struct dot : p::seq<p::one<'.'>, blank> {};
struct attribute : p::if_must<dot, attribute_name, blank, p::sor<method_call, no_call>> {};

struct power_sign : token<'*', '*'> {};
struct minus_sign : token<'-'> {};
struct plus_sign : token<'+'> {};
struct not_sign : token<'~'> {};
struct and_sign : token<'&'> {};
struct xor_sign : token<'^'> {};
struct or_sign : token<'|'> {};
struct product_sign : p::seq<p::sor<p::one<'@'>, p::seq<p::one<'*'>, p::not_at<p::one<'*'>>>,
                                    p::string<'/', '/'>, p::one<'/', '%'>>,
                             blank> {};
struct sum_sign : p::seq<p::one<'+', '-'>, blank> {};
struct comparison_sign : p::seq<p::sor<p::string<'<', '='>, p::string<'>', '='>, p::string<'=', '='>,
                                       p::string<'!', '='>, p::one<'<', '>'>>,
                                blank> {};

struct primary : p::seq<atom, p::star<p::sor<call, index, attribute>>> {};
struct power_tail : p::if_must<power_sign, unary> {};
struct power : p::seq<primary, p::opt<power_tail>> {};
struct negation : p::if_must<minus_sign, unary> {};
struct affirmation : p::if_must<plus_sign, unary> {};
struct inversion : p::if_must<not_sign, unary> {};
struct unary : p::sor<negation, affirmation, inversion, power> {};
struct product_tail : p::if_must<product_sign, unary> {};
struct product : p::seq<unary, p::star<product_tail>> {};
struct sum_tail : p::if_must<sum_sign, product> {};
struct sum : p::seq<product, p::star<sum_tail>> {};
struct and_tail : p::if_must<and_sign, sum> {};
struct conjunction : p::seq<sum, p::star<and_tail>> {};
struct xor_tail : p::if_must<xor_sign, conjunction> {};
struct exclusion : p::seq<conjunction, p::star<xor_tail>> {};
struct or_tail : p::if_must<or_sign, exclusion> {};
struct disjunction : p::seq<exclusion, p::star<or_tail>> {};
struct comparison_tail : p::if_must<comparison_sign, disjunction> {};
struct chained_comparison : p::at<comparison_sign> {};
struct expression : p::seq<disjunction, p::opt<comparison_tail, p::opt<chained_comparison>>> {};

struct assignment : p::if_must<targets, blank, assign_sign, expression> {};
struct statement : p::sor<assignment, expression> {};
struct separator : p::seq<p::one<';', '\n'>, blank> {};
struct next_statement : p::at<p::not_one<';', '\n'>> {};
struct program : p::must<blank, p::star<separator>, statement,
                         p::star<p::plus<separator>, p::opt<next_statement, p::must<statement>>>, p::eof> {};

}  // namespace chainrule::cli::grammar
